# Knock-outs: sweeps over layers, kinds, modes and repeats, in groups of layers, then joined.
# Writes results/{network}/knockouts/performance.csv.


rule knock_out:
    input:
        spec="results/specs/knockouts/{network}/{part}.json",
        code=CODE["knockouts"],
        network="results/{network}/network/network.json",
        stimuli=lambda wildcards: PLAN.stimuli_of("knockouts"),
        recording=lambda wildcards: PLAN.recording_of("knockouts", wildcards.network),
    output:
        table="results/{network}/knockouts/parts/{part}.parquet",
        record="results/records/knockouts/{network}/{part}.json",
    log:
        "results/logs/knockouts/{network}/{part}.log",
    benchmark:
        "results/benchmarks/knockouts/{network}/{part}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    message:
        "Knock out {wildcards.network}, {wildcards.part}"
    shell:
        "python -m anatomy.steps.knockouts {input.spec} --network {input.network} --stimuli {input.stimuli} "
        "--recording {input.recording} --table {output.table} --record {output.record} "
        "--gpus {resources.gpu} > {log} 2>&1"


rule join_knockouts:
    input:
        spec="results/specs/knockout_tables/{network}.json",
        code=CODE["knockout_tables"],
        parts=lambda wildcards: PLAN.knockout_parts(wildcards.network),
    output:
        table="results/{network}/knockouts/performance.csv",
        record="results/records/knockout_tables/{network}.json",
    log:
        "results/logs/knockout_tables/{network}.log",
    benchmark:
        "results/benchmarks/knockout_tables/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Join the knock-outs of {wildcards.network}"
    shell:
        "python -m anatomy.steps.knockout_tables {input.spec} --parts {input.parts} --table {output.table} "
        "--record {output.record} > {log} 2>&1"
