# What methods say together: circuits and labelled units, circuits and clusters, causal dissection, concept vectors.
# Writes results/{network}/joined/{circuit_units.parquet,enrichment.csv,concept_vectors.csv,parts}.


rule find_circuit_units:
    input:
        spec="results/specs/circuit_units/{network}/{shard}.json",
        network="results/{network}/network/network.json",
        masks="results/{network}/circuits/masks.json",
        summary="results/{network}/circuits/summary.csv",
    output:
        table="results/{network}/circuits/parts/units/{shard}.parquet",
        record="results/records/circuit_units/{network}/{shard}.json",
    log:
        "results/logs/circuit_units/{network}/{shard}.log",
    benchmark:
        "results/benchmarks/circuit_units/{network}/{shard}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 6000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    message:
        "Find the units that circuits of {wildcards.network} use, {wildcards.shard}"
    shell:
        "python -m anatomy.steps.circuit_units {input.spec} --network {input.network} --masks {input.masks} "
        "--summary {input.summary} --table {output.table} --record {output.record} "
        "--gpus {resources.gpu} > {log} 2>&1"


rule lesion_concepts:
    input:
        spec="results/specs/concept_lesions/{network}/{layer}.json",
        network="results/{network}/network/network.json",
        stimuli=lambda wildcards: PLAN.stimuli_of("joined"),
        units="results/{network}/dissection/{layer}/units.csv",
    output:
        unit_lesions="results/{network}/joined/parts/unit_lesions/{layer}.parquet",
        concept_lesions="results/{network}/joined/parts/concept_lesions/{layer}.parquet",
        unit_responses="results/{network}/joined/parts/unit_responses/{layer}.parquet",
        record="results/records/concept_lesions/{network}/{layer}.json",
    log:
        "results/logs/concept_lesions/{network}/{layer}.log",
    benchmark:
        "results/benchmarks/concept_lesions/{network}/{layer}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    message:
        "Silence the units of each concept in {wildcards.layer} of {wildcards.network}"
    shell:
        "python -m anatomy.steps.concept_lesions {input.spec} --network {input.network} --stimuli {input.stimuli} "
        "--units {input.units} --unit-lesions {output.unit_lesions} --concept-lesions {output.concept_lesions} "
        "--unit-responses {output.unit_responses} --record {output.record} --gpus {resources.gpu} > {log} 2>&1"


rule enrich_circuits:
    input:
        spec="results/specs/enrichment/{network}.json",
        circuit_units=lambda wildcards: PLAN.circuit_units(wildcards.network),
        units=lambda wildcards: PLAN.dissected(wildcards.network, "units.csv"),
        unit_responses=lambda wildcards: PLAN.unit_responses(wildcards.network),
    output:
        labelled="results/{network}/joined/circuit_units.parquet",
        table="results/{network}/joined/enrichment.csv",
        record="results/records/enrichment/{network}.json",
    log:
        "results/logs/enrichment/{network}.log",
    benchmark:
        "results/benchmarks/enrichment/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    message:
        "Ask which labelled units circuits of {wildcards.network} keep"
    shell:
        "python -m anatomy.steps.enrichment {input.spec} --circuit-units {input.circuit_units} "
        "--units {input.units} --unit-responses {input.unit_responses} --labelled {output.labelled} "
        "--table {output.table} --record {output.record} > {log} 2>&1"


rule lesion_circuits:
    input:
        spec="results/specs/cluster_circuits/{network}/{shard}.json",
        network="results/{network}/network/network.json",
        stimuli=lambda wildcards: PLAN.stimuli_of("circuits"),
        recording=lambda wildcards: PLAN.recording_of("circuits", wildcards.network),
        clustered_stimuli=lambda wildcards: PLAN.stimuli_of("clusters"),
        assignments="results/{network}/clusters/assignments.json",
        lesions="results/{network}/clusters/lesions.csv",
        masks="results/{network}/circuits/masks.json",
        summary="results/{network}/circuits/summary.csv",
    output:
        table="results/{network}/joined/parts/cluster_circuits/{shard}.parquet",
        record="results/records/cluster_circuits/{network}/{shard}.json",
    log:
        "results/logs/cluster_circuits/{network}/{shard}.log",
    benchmark:
        "results/benchmarks/cluster_circuits/{network}/{shard}.tsv"
    priority: 50
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 6000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    message:
        "Lesion clusters in the circuits of {wildcards.network}, {wildcards.shard}"
    shell:
        "python -m anatomy.steps.cluster_circuits {input.spec} --network {input.network} --stimuli {input.stimuli} "
        "--recording {input.recording} --clustered-stimuli {input.clustered_stimuli} "
        "--assignments {input.assignments} --lesions {input.lesions} --masks {input.masks} "
        "--summary {input.summary} --table {output.table} --record {output.record} "
        "--gpus {resources.gpu} > {log} 2>&1"


rule score_concept_vectors:
    input:
        spec="results/specs/concept_vectors/{network}.json",
        network="results/{network}/network/network.json",
        stimuli=lambda wildcards: PLAN.stimuli_of("joined"),
    output:
        table="results/{network}/joined/concept_vectors.csv",
        record="results/records/concept_vectors/{network}.json",
    log:
        "results/logs/concept_vectors/{network}.log",
    benchmark:
        "results/benchmarks/concept_vectors/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    message:
        "Score concept vectors (TCAV) of {wildcards.network}"
    shell:
        "python -m anatomy.steps.concept_vectors {input.spec} --network {input.network} --stimuli {input.stimuli} "
        "--table {output.table} --record {output.record} --gpus {resources.gpu} > {log} 2>&1"
