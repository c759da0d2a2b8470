# Feature visualisation: the image that each unit asks for, and the first layer's filters.
# Writes results/{network}/features/{layer}.parquet and filters.parquet.


rule visualise_features:
    input:
        spec="results/specs/features/{network}/{layer}.json",
        network="results/{network}/network/network.json",
    output:
        table="results/{network}/features/{layer}.parquet",
        record="results/records/features/{network}/{layer}.json",
    log:
        "results/logs/features/{network}/{layer}.log",
    benchmark:
        "results/benchmarks/features/{network}/{layer}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
    message:
        "Visualise features of {wildcards.layer} of {wildcards.network}"
    shell:
        "python -m anatomy.steps.features {input.spec} --network {input.network} --table {output.table} "
        "--record {output.record} --gpus {resources.gpu} > {log} 2>&1"


rule picture_filters:
    input:
        spec="results/specs/filters/{network}.json",
        network="results/{network}/network/network.json",
    output:
        table="results/{network}/features/filters.parquet",
        record="results/records/filters/{network}.json",
    log:
        "results/logs/filters/{network}.log",
    benchmark:
        "results/benchmarks/filters/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Picture the first filters of {wildcards.network}"
    shell:
        "python -m anatomy.steps.filters {input.spec} --network {input.network} --table {output.table} "
        "--record {output.record} > {log} 2>&1"


ruleorder: picture_filters > visualise_features
