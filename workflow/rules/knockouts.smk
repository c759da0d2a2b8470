# Knock-outs: sweeps over layers, kinds, modes and repeats, in groups of layers.
# Writes results/{network}/knockouts/parts, and over all of them areas.csv and categories.csv.


rule knock_out:
    input:
        spec="results/specs/knockouts/{network}/{part}.json",
        network="results/{network}/network/network.json",
        stimuli=lambda wildcards: PLAN.stimuli_of("knockouts"),
        recording=lambda wildcards: PLAN.recording_of("knockouts", wildcards.network),
    output:
        table="results/{network}/knockouts/parts/{part}.parquet",
        categories="results/{network}/knockouts/parts/categories/{part}.parquet",
        record="results/records/knockouts/{network}/{part}.json",
    log:
        "results/logs/knockouts/{network}/{part}.log",
    benchmark:
        "results/benchmarks/knockouts/{network}/{part}.tsv"
    priority: 50
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
        "--recording {input.recording} --table {output.table} --categories {output.categories} "
        "--record {output.record} --gpus {resources.gpu} > {log} 2>&1"


rule measure_knockout_areas:
    input:
        spec="results/specs/knockout_tables/{network}.json",
        table="results/{network}/knockouts/performance.csv",
        categories=lambda wildcards: PLAN.knockout_categories(wildcards.network),
    output:
        categories_table="results/{network}/knockouts/categories.csv",
        areas="results/{network}/knockouts/areas.csv",
        record="results/records/knockout_tables/{network}.json",
    log:
        "results/logs/knockout_tables/{network}.log",
    benchmark:
        "results/benchmarks/knockout_tables/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 20 * attempt,
    message:
        "Measure the areas under the knock-out curves of {wildcards.network}"
    shell:
        "python -m anatomy.steps.knockout_tables {input.spec} --table {input.table} "
        "--categories {input.categories} --categories-table {output.categories_table} --areas {output.areas} "
        "--record {output.record} > {log} 2>&1"
