# Cluster lesions: responses of all neurons, cross-validation, clusters, their lesions.
# Writes results/{network}/clusters/{responses,assignments}.{zarr,json}, cv.csv, choice.csv and parts.


rule record_responses:
    input:
        spec="results/specs/responses/{network}.json",
        network="results/{network}/network/network.json",
        stimuli=lambda wildcards: PLAN.stimuli_of("clusters"),
    output:
        store=directory("results/{network}/clusters/responses.zarr"),
        manifest="results/{network}/clusters/responses.json",
        record="results/records/responses/{network}.json",
    log:
        "results/logs/responses/{network}.log",
    benchmark:
        "results/benchmarks/responses/{network}.tsv"
    priority: 60
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    message:
        "Record the responses of all neurons of {wildcards.network}"
    shell:
        "python -m anatomy.steps.responses {input.spec} --network {input.network} --stimuli {input.stimuli} "
        "--store {output.store} --manifest {output.manifest} --record {output.record} --gpus {resources.gpu} "
        "> {log} 2>&1"


rule validate_clusters:
    input:
        spec="results/specs/cluster_fold/{network}/{fold}.json",
        network="results/{network}/network/network.json",
        stimuli=lambda wildcards: PLAN.stimuli_of("clusters"),
        responses="results/{network}/clusters/responses.json",
    output:
        table="results/{network}/clusters/parts/folds/{fold}.parquet",
        record="results/records/cluster_fold/{network}/{fold}.json",
    log:
        "results/logs/cluster_fold/{network}/{fold}.log",
    benchmark:
        "results/benchmarks/cluster_fold/{network}/{fold}.tsv"
    priority: 60
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
    message:
        "Cluster the neurons of {wildcards.network} without {wildcards.fold}, lesion the clusters"
    shell:
        "python -m anatomy.steps.cluster_fold {input.spec} --network {input.network} --stimuli {input.stimuli} "
        "--responses {input.responses} --table {output.table} --record {output.record} --gpus {resources.gpu} "
        "> {log} 2>&1"


rule cluster_neurons:
    input:
        spec="results/specs/clusters/{network}.json",
        network="results/{network}/network/network.json",
        stimuli=lambda wildcards: PLAN.stimuli_of("clusters"),
        responses="results/{network}/clusters/responses.json",
        folds=lambda wildcards: PLAN.cluster_folds(wildcards.network),
    output:
        store=directory("results/{network}/clusters/assignments.zarr"),
        manifest="results/{network}/clusters/assignments.json",
        validation="results/{network}/clusters/cv.csv",
        choice="results/{network}/clusters/choice.csv",
        record="results/records/clusters/{network}.json",
    log:
        "results/logs/clusters/{network}.log",
    benchmark:
        "results/benchmarks/clusters/{network}.tsv"
    priority: 60
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    message:
        "Choose the number of clusters and cluster the neurons of {wildcards.network}"
    shell:
        "python -m anatomy.steps.clusters {input.spec} --network {input.network} --stimuli {input.stimuli} "
        "--responses {input.responses} --folds {input.folds} --store {output.store} --manifest {output.manifest} "
        "--validation {output.validation} --choice {output.choice} --record {output.record} "
        "--gpus {resources.gpu} > {log} 2>&1"


rule lesion_clusters:
    input:
        spec="results/specs/cluster_lesions/{network}/{clustering}.json",
        network="results/{network}/network/network.json",
        stimuli=lambda wildcards: PLAN.stimuli_of("clusters"),
        assignments="results/{network}/clusters/assignments.json",
    output:
        lesions="results/{network}/clusters/parts/lesions/{clustering}.parquet",
        losses="results/{network}/clusters/parts/losses/{clustering}.parquet",
        layers="results/{network}/clusters/parts/layers/{clustering}.parquet",
        random="results/{network}/clusters/parts/random/{clustering}.parquet",
        hurt_images="results/{network}/clusters/parts/hurt_images/{clustering}.parquet",
        record="results/records/cluster_lesions/{network}/{clustering}.json",
    log:
        "results/logs/cluster_lesions/{network}/{clustering}.log",
    benchmark:
        "results/benchmarks/cluster_lesions/{network}/{clustering}.tsv"
    priority: 60
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    message:
        "Lesion the clusters of {wildcards.network} ({wildcards.clustering}), and random neurons"
    shell:
        "python -m anatomy.steps.cluster_lesions {input.spec} --network {input.network} --stimuli {input.stimuli} "
        "--assignments {input.assignments} --lesions {output.lesions} --losses {output.losses} "
        "--layers {output.layers} --random {output.random} --hurt-images {output.hurt_images} "
        "--record {output.record} --gpus {resources.gpu} > {log} 2>&1"
