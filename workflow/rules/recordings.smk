# Recordings: values inside a network for a stimulus set, and the images that each unit responds to most.
# Writes results/{network}/recordings/{stimuli}.{zarr,json} and results/{network}/{method}/top_images.parquet.


rule record:
    input:
        spec="results/specs/record/{network}/{stimuli}.json",
        network="results/{network}/network/network.json",
        stimuli="results/stimuli/{stimuli}.json",
    output:
        store=directory("results/{network}/recordings/{stimuli}.zarr"),
        manifest="results/{network}/recordings/{stimuli}.json",
        record="results/records/record/{network}/{stimuli}.json",
    log:
        "results/logs/record/{network}/{stimuli}.log",
    benchmark:
        "results/benchmarks/record/{network}/{stimuli}.tsv"
    priority: 90
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
    message:
        "Record {wildcards.network} on {wildcards.stimuli}"
    shell:
        "python -m anatomy.steps.record {input.spec} --network {input.network} --stimuli {input.stimuli} "
        "--store {output.store} --manifest {output.manifest} --record {output.record} --gpus {resources.gpu} "
        "> {log} 2>&1"


rule find_top_images:
    input:
        spec="results/specs/top_images/{network}/{method}.json",
        network="results/{network}/network/network.json",
        stimuli=lambda wildcards: PLAN.stimuli_of(wildcards.method),
    output:
        table="results/{network}/{method}/top_images.parquet",
        record="results/records/top_images/{network}/{method}.json",
    log:
        "results/logs/top_images/{network}/{method}.log",
    benchmark:
        "results/benchmarks/top_images/{network}/{method}.tsv"
    wildcard_constraints:
        method="circuits|activations",
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    message:
        "Find the images that each unit of {wildcards.network} responds to most, for {wildcards.method}"
    shell:
        "python -m anatomy.steps.top_images {input.spec} --network {input.network} --stimuli {input.stimuli} "
        "--table {output.table} --record {output.record} --gpus {resources.gpu} > {log} 2>&1"
