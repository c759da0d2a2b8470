# The headline numbers of all networks and methods in one tidy table.
# Writes results/summary.csv.


rule summarise:
    input:
        spec="results/specs/summary.json",
        networks=PLAN.network_descriptions(),
        recordings=PLAN.recordings(),
        stimuli=PLAN.recorded_stimuli(),
        circuits=PLAN.tables("circuits", "summary"),
        controls=PLAN.tables("circuits", "controls"),
        overlaps=PLAN.tables("circuits", "overlap"),
        knockouts=PLAN.tables("knockouts", "areas"),
        cluster_lesions=PLAN.tables("clusters", "lesions"),
        cluster_losses=PLAN.tables("clusters", "losses"),
        detectors=PLAN.tables("dissection", "detectors"),
        rotations=PLAN.rotation_tables(),
        manipulation=PLAN.manipulation_tables(),
        accuracy=PLAN.tables("identity", "accuracy"),
        dissociation=PLAN.tables("identity", "dissociation"),
        enrichment=PLAN.joined_results("enrichment"),
        concept_lesions=PLAN.joined_results("concept_lesions"),
        cluster_circuits=PLAN.joined_results("cluster_circuits"),
        concept_vectors=PLAN.joined_results("concept_vectors"),
    output:
        table=report(
            "results/summary.csv",
            caption="../report/summary_table.rst",
            category="At a glance",
            labels={"network": "all", "shows": "headline numbers (table)"},
        ),
        record="results/records/summary.json",
    log:
        "results/logs/summary.log",
    benchmark:
        "results/benchmarks/summary.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 20 * attempt,
    message:
        "Summarise all networks and methods"
    shell:
        "python -m anatomy.steps.summary {input.spec} --networks {input.networks} "
        "--recordings {input.recordings} --stimuli {input.stimuli} --circuits {input.circuits} "
        "--controls {input.controls} --overlaps {input.overlaps} --knockouts {input.knockouts} "
        "--cluster-lesions {input.cluster_lesions} --cluster-losses {input.cluster_losses} "
        "--detectors {input.detectors} --rotations {input.rotations} --manipulation {input.manipulation} "
        "--accuracy {input.accuracy} --dissociation {input.dissociation} --enrichment {input.enrichment} "
        "--concept-lesions {input.concept_lesions} --cluster-circuits {input.cluster_circuits} "
        "--concept-vectors {input.concept_vectors} "
        "--table {output.table} --record {output.record} > {log} 2>&1"
