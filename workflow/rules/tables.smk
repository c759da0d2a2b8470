# Tables that are joined from the parts of several jobs.
# Writes results/{network}/circuits/{controls,score_comparison,scoring_stability}.csv,
# results/{network}/knockouts/performance.csv, results/{network}/clusters/{lesions,losses,layers,random}.csv and
# results/{network}/dissection/{detectors,rotations}.csv and
# results/{network}/joined/{concept_lesions,unit_lesions,cluster_circuits}.csv.


rule join_tables:
    input:
        spec="results/specs/join_tables/{network}/{method}/{table}.json",
        parts=lambda wildcards: PLAN.table_parts(**wildcards),
    output:
        table="results/{network}/{method}/{table}.csv",
        record="results/records/join_tables/{network}/{method}/{table}.json",
    log:
        "results/logs/join_tables/{network}/{method}/{table}.log",
    benchmark:
        "results/benchmarks/join_tables/{network}/{method}/{table}.tsv"
    wildcard_constraints:
        method="circuits|knockouts|clusters|dissection|joined",
        table=(
            "controls|score_comparison|scoring_stability|performance|lesions|losses|layers|random|"
            "detectors|rotations|concept_lesions|unit_lesions|cluster_circuits"
        ),
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Join the table {wildcards.table} of {wildcards.network}"
    shell:
        "python -m anatomy.steps.join_tables {input.spec} --parts {input.parts} --table {output.table} "
        "--record {output.record} > {log} 2>&1"
