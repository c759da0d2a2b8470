# What category circuits are compared with and made of: controls, overlap, kinds of scores, scoring images, pictures.
# Writes results/{network}/circuits/{overlap.parquet,overlap.csv,sharing.csv,layer_shares.csv,parts,pictures}.


rule control_circuits:
    input:
        spec="results/specs/circuit_controls/{network}/{shard}.json",
        network="results/{network}/network/network.json",
        stimuli=lambda wildcards: PLAN.stimuli_of("circuits"),
        recording=lambda wildcards: PLAN.recording_of("circuits", wildcards.network),
        masks="results/{network}/circuits/masks.json",
        summary="results/{network}/circuits/summary.csv",
    output:
        table="results/{network}/circuits/parts/controls/{shard}.parquet",
        record="results/records/circuit_controls/{network}/{shard}.json",
    log:
        "results/logs/circuit_controls/{network}/{shard}.log",
    benchmark:
        "results/benchmarks/circuit_controls/{network}/{shard}.tsv"
    priority: 50
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 6000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
    message:
        "Compare the circuits of {wildcards.network} with controls, {wildcards.shard}"
    shell:
        "python -m anatomy.steps.circuit_controls {input.spec} --network {input.network} --stimuli {input.stimuli} "
        "--recording {input.recording} --masks {input.masks} --summary {input.summary} --table {output.table} "
        "--record {output.record} --gpus {resources.gpu} > {log} 2>&1"


rule overlap_circuits:
    input:
        spec="results/specs/circuit_overlap/{network}.json",
        masks="results/{network}/circuits/masks.json",
        summary="results/{network}/circuits/summary.csv",
    output:
        pairs="results/{network}/circuits/overlap.parquet",
        overlap="results/{network}/circuits/overlap.csv",
        sharing="results/{network}/circuits/sharing.csv",
        layer_shares="results/{network}/circuits/layer_shares.csv",
        record="results/records/circuit_overlap/{network}.json",
    log:
        "results/logs/circuit_overlap/{network}.log",
    benchmark:
        "results/benchmarks/circuit_overlap/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    message:
        "Count the weights that circuits of {wildcards.network} share"
    shell:
        "python -m anatomy.steps.circuit_overlap {input.spec} --masks {input.masks} --summary {input.summary} "
        "--pairs {output.pairs} --overlap {output.overlap} --sharing {output.sharing} "
        "--layer-shares {output.layer_shares} --record {output.record} --gpus {resources.gpu} > {log} 2>&1"


rule compare_scores:
    input:
        spec="results/specs/score_comparison/{network}/{shard}.json",
        network="results/{network}/network/network.json",
        stimuli=lambda wildcards: PLAN.stimuli_of("circuits"),
        recording=lambda wildcards: PLAN.recording_of("circuits", wildcards.network),
    output:
        table="results/{network}/circuits/parts/score_comparison/{shard}.parquet",
        record="results/records/score_comparison/{network}/{shard}.json",
    log:
        "results/logs/score_comparison/{network}/{shard}.log",
    benchmark:
        "results/benchmarks/score_comparison/{network}/{shard}.tsv"
    priority: 50
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 6000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    message:
        "Compare kinds of weight scores of {wildcards.network}, {wildcards.shard}"
    shell:
        "python -m anatomy.steps.score_comparison {input.spec} --network {input.network} --stimuli {input.stimuli} "
        "--recording {input.recording} --table {output.table} --record {output.record} "
        "--gpus {resources.gpu} > {log} 2>&1"


rule measure_scoring_stability:
    input:
        spec="results/specs/scoring_stability/{network}/{shard}.json",
        network="results/{network}/network/network.json",
        stimuli=lambda wildcards: PLAN.stimuli_of("circuits"),
    output:
        table="results/{network}/circuits/parts/scoring_stability/{shard}.parquet",
        record="results/records/scoring_stability/{network}/{shard}.json",
    log:
        "results/logs/scoring_stability/{network}/{shard}.log",
    benchmark:
        "results/benchmarks/scoring_stability/{network}/{shard}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    message:
        "Measure how many scoring images {wildcards.network} needs, {wildcards.shard}"
    shell:
        "python -m anatomy.steps.scoring_stability {input.spec} --network {input.network} --stimuli {input.stimuli} "
        "--table {output.table} --record {output.record} --gpus {resources.gpu} > {log} 2>&1"


rule picture_circuits:
    input:
        spec="results/specs/circuit_pictures/{network}/{shard}.json",
        network="results/{network}/network/network.json",
        stimuli=lambda wildcards: PLAN.stimuli_of("circuits"),
        scores="results/{network}/circuits/scores/{shard}.json",
        masks="results/{network}/circuits/shards/{shard}.json",
        summary="results/{network}/circuits/summary.csv",
        top_images="results/{network}/circuits/top_images.parquet",
    output:
        units="results/{network}/circuits/pictures/{shard}_units.parquet",
        connections="results/{network}/circuits/pictures/{shard}_connections.parquet",
        record="results/records/circuit_pictures/{network}/{shard}.json",
    log:
        "results/logs/circuit_pictures/{network}/{shard}.log",
    benchmark:
        "results/benchmarks/circuit_pictures/{network}/{shard}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 6000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    message:
        "Find the strongest units and connections of circuits of {wildcards.network}, {wildcards.shard}"
    shell:
        "python -m anatomy.steps.circuit_pictures {input.spec} --network {input.network} --stimuli {input.stimuli} "
        "--scores {input.scores} --masks {input.masks} --summary {input.summary} --top-images {input.top_images} "
        "--units {output.units} --connections {output.connections} --record {output.record} "
        "--gpus {resources.gpu} > {log} 2>&1"
