# Category circuits: weight scores, circuits and their evaluation in shards of categories, then joined.
# Writes results/{network}/circuits/{summary.csv,frontier.csv,sweep.csv,masks.zarr}.


rule score_weights:
    input:
        spec="results/specs/scores/{network}/{shard}.json",
        network="results/{network}/network/network.json",
        stimuli=lambda wildcards: PLAN.stimuli_of("circuits"),
    output:
        store=directory("results/{network}/circuits/scores/{shard}.zarr"),
        manifest="results/{network}/circuits/scores/{shard}.json",
        record="results/records/scores/{network}/{shard}.json",
    log:
        "results/logs/scores/{network}/{shard}.log",
    benchmark:
        "results/benchmarks/scores/{network}/{shard}.tsv"
    priority: 90
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    message:
        "Score the weights of {wildcards.network}, {wildcards.shard}"
    shell:
        "python -m anatomy.steps.scores {input.spec} --network {input.network} --stimuli {input.stimuli} "
        "--store {output.store} --manifest {output.manifest} --record {output.record} --gpus {resources.gpu} "
        "> {log} 2>&1"


rule extract_circuits:
    input:
        spec="results/specs/circuits/{network}/{shard}.json",
        network="results/{network}/network/network.json",
        stimuli=lambda wildcards: PLAN.stimuli_of("circuits"),
        recording=lambda wildcards: PLAN.recording_of("circuits", wildcards.network),
        scores="results/{network}/circuits/scores/{shard}.json",
    output:
        masks=directory("results/{network}/circuits/shards/{shard}.zarr"),
        manifest="results/{network}/circuits/shards/{shard}.json",
        sweep="results/{network}/circuits/shards/{shard}_sweep.parquet",
        summary="results/{network}/circuits/shards/{shard}_summary.parquet",
        record="results/records/circuits/{network}/{shard}.json",
    log:
        "results/logs/circuits/{network}/{shard}.log",
    benchmark:
        "results/benchmarks/circuits/{network}/{shard}.tsv"
    priority: 90
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 6000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    message:
        "Extract circuits of {wildcards.network}, {wildcards.shard}"
    shell:
        "python -m anatomy.steps.circuits {input.spec} --network {input.network} --stimuli {input.stimuli} "
        "--recording {input.recording} --scores {input.scores} --masks {output.masks} "
        "--manifest {output.manifest} --sweep {output.sweep} --summary {output.summary} "
        "--record {output.record} --gpus {resources.gpu} > {log} 2>&1"


rule join_circuits:
    input:
        spec="results/specs/circuit_tables/{network}.json",
        shards=lambda wildcards: PLAN.shards(wildcards.network, ".json"),
        sweeps=lambda wildcards: PLAN.shards(wildcards.network, "_sweep.parquet"),
        summaries=lambda wildcards: PLAN.shards(wildcards.network, "_summary.parquet"),
    output:
        masks=directory("results/{network}/circuits/masks.zarr"),
        manifest="results/{network}/circuits/masks.json",
        sweep="results/{network}/circuits/sweep.csv",
        frontier="results/{network}/circuits/frontier.csv",
        summary=report(
            "results/{network}/circuits/summary.csv",
            caption="../report/circuit_summary.rst",
            category="Category circuits",
            labels={"network": "{network}", "shows": "all circuits (table)"},
        ),
        record="results/records/circuit_tables/{network}.json",
    log:
        "results/logs/circuit_tables/{network}.log",
    benchmark:
        "results/benchmarks/circuit_tables/{network}.tsv"
    priority: 90
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    message:
        "Join the circuits of {wildcards.network}"
    shell:
        "python -m anatomy.steps.circuit_tables {input.spec} --shards {input.shards} --sweeps {input.sweeps} "
        "--summaries {input.summaries} --masks {output.masks} --manifest {output.manifest} "
        "--sweep {output.sweep} --summary {output.summary} --frontier {output.frontier} "
        "--record {output.record} > {log} 2>&1"
