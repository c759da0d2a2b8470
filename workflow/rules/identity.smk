# The identity task: faces and houses, pairs, readout, selective units, and what their lesions cost.
# Writes results/identities/, results/localizer/ and results/{network}/identity/.


rule make_identities:
    input:
        spec="results/specs/identities.json",
    output:
        store=directory("results/identities/images.zarr"),
        manifest="results/identities/images.json",
        table="results/identities/images.csv",
        record="results/records/identities.json",
    log:
        "results/logs/identities.log",
    benchmark:
        "results/benchmarks/identities.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    message:
        "Make the faces and houses of the identity task"
    shell:
        "python -m anatomy.steps.identities {input.spec} --store {output.store} --manifest {output.manifest} "
        "--table {output.table} --record {output.record} > {log} 2>&1"


rule make_localizer:
    input:
        spec="results/specs/localizer.json",
    output:
        store=directory("results/localizer/images.zarr"),
        manifest="results/localizer/images.json",
        table="results/localizer/images.csv",
        record="results/records/localizer.json",
    log:
        "results/logs/localizer.log",
    benchmark:
        "results/benchmarks/localizer.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    message:
        "Make the images of the localizer"
    shell:
        "python -m anatomy.steps.localizer {input.spec} --store {output.store} --manifest {output.manifest} "
        "--table {output.table} --record {output.record} > {log} 2>&1"


rule pair_identities:
    input:
        spec="results/specs/identity_pairs.json",
        identities="results/identities/images.json",
    output:
        table="results/identities/pairs.csv",
        record="results/records/identity_pairs.json",
    log:
        "results/logs/identity_pairs.log",
    benchmark:
        "results/benchmarks/identity_pairs.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Draw pairs of the same and of different identities"
    shell:
        "python -m anatomy.steps.identity_pairs {input.spec} --identities {input.identities} "
        "--table {output.table} --record {output.record} > {log} 2>&1"


rule read_out_identity:
    input:
        spec="results/specs/identity_readout/{network}.json",
        network="results/{network}/network/network.json",
        identities="results/identities/images.json",
        pairs="results/identities/pairs.csv",
    output:
        cross_validation="results/{network}/identity/cross_validation.csv",
        accuracy="results/{network}/identity/accuracy.csv",
        model="results/{network}/identity/readout.npz",
        record="results/records/identity_readout/{network}.json",
    log:
        "results/logs/identity_readout/{network}.log",
    benchmark:
        "results/benchmarks/identity_readout/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    message:
        "Read identity from {wildcards.network}"
    shell:
        "python -m anatomy.steps.identity_readout {input.spec} --network {input.network} "
        "--identities {input.identities} --pairs {input.pairs} --cross-validation {output.cross_validation} "
        "--accuracy {output.accuracy} --model {output.model} --record {output.record} --gpus {resources.gpu} "
        "> {log} 2>&1"


rule measure_selectivity:
    input:
        spec="results/specs/unit_selectivity/{network}.json",
        network="results/{network}/network/network.json",
        identities="results/identities/images.json",
        localizer=lambda wildcards: PLAN.localizer(),
    output:
        table="results/{network}/identity/selectivity.csv",
        record="results/records/unit_selectivity/{network}.json",
    log:
        "results/logs/unit_selectivity/{network}.log",
    benchmark:
        "results/benchmarks/unit_selectivity/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    message:
        "Find units of {wildcards.network} that are selective for faces and houses"
    shell:
        "python -m anatomy.steps.unit_selectivity {input.spec} --network {input.network} "
        "--identities {input.identities} --localizer {input.localizer} --table {output.table} "
        "--record {output.record} --gpus {resources.gpu} > {log} 2>&1"


rule lesion_selective_units:
    input:
        spec="results/specs/identity_lesions/{network}.json",
        network="results/{network}/network/network.json",
        identities="results/identities/images.json",
        pairs="results/identities/pairs.csv",
        model="results/{network}/identity/readout.npz",
        selectivity="results/{network}/identity/selectivity.csv",
    output:
        lesions="results/{network}/identity/lesions.csv",
        dissociation="results/{network}/identity/dissociation.csv",
        record="results/records/identity_lesions/{network}.json",
    log:
        "results/logs/identity_lesions/{network}.log",
    benchmark:
        "results/benchmarks/identity_lesions/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
    message:
        "Lesion face and house units of {wildcards.network}"
    shell:
        "python -m anatomy.steps.identity_lesions {input.spec} --network {input.network} "
        "--identities {input.identities} --pairs {input.pairs} --model {input.model} "
        "--selectivity {input.selectivity} --lesions {output.lesions} --dissociation {output.dissociation} "
        "--record {output.record} --gpus {resources.gpu} > {log} 2>&1"
