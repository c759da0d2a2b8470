# Activations: maps of some images, what single parts of an image do for a unit, detectors by intervention.
# Writes results/{network}/activations/. Top images of units are found in recordings.smk.


rule record_activations:
    input:
        spec="results/specs/activations/{network}.json",
        network="results/{network}/network/network.json",
        stimuli=lambda wildcards: PLAN.stimuli_of("activations"),
    output:
        store=directory("results/{network}/activations/maps.zarr"),
        manifest="results/{network}/activations/maps.json",
        table="results/{network}/activations/channels.csv",
        record="results/records/activations/{network}.json",
    log:
        "results/logs/activations/{network}.log",
    benchmark:
        "results/benchmarks/activations/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    message:
        "Record the activations of {wildcards.network} on single images"
    shell:
        "python -m anatomy.steps.activations {input.spec} --network {input.network} --stimuli {input.stimuli} "
        "--store {output.store} --manifest {output.manifest} --table {output.table} --record {output.record} "
        "--gpus {resources.gpu} > {log} 2>&1"


rule map_occlusion:
    input:
        spec="results/specs/occlusion/{network}.json",
        network="results/{network}/network/network.json",
        stimuli=lambda wildcards: PLAN.stimuli_of("activations"),
        top_images="results/{network}/activations/top_images.parquet",
    output:
        table="results/{network}/activations/occlusion.parquet",
        record="results/records/occlusion/{network}.json",
    log:
        "results/logs/occlusion/{network}.log",
    benchmark:
        "results/benchmarks/occlusion/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
    message:
        "Move a patch over the best images of units of {wildcards.network}"
    shell:
        "python -m anatomy.steps.occlusion {input.spec} --network {input.network} --stimuli {input.stimuli} "
        "--top-images {input.top_images} --table {output.table} --record {output.record} "
        "--gpus {resources.gpu} > {log} 2>&1"


rule cover_parts:
    input:
        spec="results/specs/manipulation/{network}.json",
        network="results/{network}/network/network.json",
        labelled="results/labelled_images/labels.json",
    output:
        table="results/{network}/activations/manipulation.parquet",
        detectors="results/{network}/activations/interventions.csv",
        examples="results/{network}/activations/manipulation_examples.parquet",
        record="results/records/manipulation/{network}.json",
    log:
        "results/logs/manipulation/{network}.log",
    benchmark:
        "results/benchmarks/manipulation/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
    message:
        "Cover labelled parts before {wildcards.network}"
    shell:
        "python -m anatomy.steps.manipulation {input.spec} --network {input.network} "
        "--labelled {input.labelled} --table {output.table} --detectors {output.detectors} "
        "--examples {output.examples} --record {output.record} --gpus {resources.gpu} > {log} 2>&1"
