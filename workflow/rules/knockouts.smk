# Knock-outs: sweeps over layers, kinds, modes and repeats, in groups of layers.
# Writes results/{network}/knockouts/parts.


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
