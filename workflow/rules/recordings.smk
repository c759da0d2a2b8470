# Recordings: values inside a network for a stimulus set.
# Writes results/{network}/recordings/{stimuli}.{zarr,json}.


rule record:
    input:
        spec="results/specs/record/{network}/{stimuli}.json",
        code=CODE["record"],
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
