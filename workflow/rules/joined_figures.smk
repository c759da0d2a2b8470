# Figures of what several methods say together, drawn from tables.
# Writes results/{network}/joined/figures/*.png.


rule draw_enrichment:
    input:
        spec="results/specs/figures/enrichment/{network}.json",
        table="results/{network}/joined/enrichment.csv",
    output:
        enrichment=report(
            "results/{network}/joined/figures/enrichment.png",
            caption="../report/enrichment.rst",
            category="Joined",
            labels={"network": "{network}", "shows": "labelled units that circuits keep"},
        ),
        record="results/records/figures/enrichment/{network}.json",
    log:
        "results/logs/figures/enrichment/{network}.log",
    benchmark:
        "results/benchmarks/figures/enrichment/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Draw the labelled units that circuits of {wildcards.network} keep"
    shell:
        "python -m anatomy.steps.enrichment_figures {input.spec} --table {input.table} "
        "--enrichment {output.enrichment} --record {output.record} > {log} 2>&1"


rule draw_concept_lesions:
    input:
        spec="results/specs/figures/concept_lesions/{network}.json",
        table="results/{network}/joined/concept_lesions.csv",
    output:
        concept_lesions=report(
            "results/{network}/joined/figures/concept_lesions.png",
            caption="../report/concept_lesions.rst",
            category="Joined",
            labels={"network": "{network}", "shows": "units of a concept silenced"},
        ),
        record="results/records/figures/concept_lesions/{network}.json",
    log:
        "results/logs/figures/concept_lesions/{network}.log",
    benchmark:
        "results/benchmarks/figures/concept_lesions/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Draw what silencing concepts costs {wildcards.network}"
    shell:
        "python -m anatomy.steps.concept_lesion_figures {input.spec} --table {input.table} "
        "--concept-lesions {output.concept_lesions} --record {output.record} > {log} 2>&1"


rule draw_cluster_circuits:
    input:
        spec="results/specs/figures/cluster_circuits/{network}.json",
        table="results/{network}/joined/cluster_circuits.csv",
    output:
        cluster_circuits=report(
            "results/{network}/joined/figures/cluster_circuits.png",
            caption="../report/cluster_circuits.rst",
            category="Joined",
            labels={"network": "{network}", "shows": "clusters silenced in circuits"},
        ),
        record="results/records/figures/cluster_circuits/{network}.json",
    log:
        "results/logs/figures/cluster_circuits/{network}.log",
    benchmark:
        "results/benchmarks/figures/cluster_circuits/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Draw the lesioned circuits of {wildcards.network}"
    shell:
        "python -m anatomy.steps.cluster_circuit_figures {input.spec} --table {input.table} "
        "--cluster-circuits {output.cluster_circuits} --record {output.record} > {log} 2>&1"


rule draw_concept_vectors:
    input:
        spec="results/specs/figures/concept_vectors/{network}.json",
        table="results/{network}/joined/concept_vectors.csv",
        layers="results/{network}/clusters/layers.csv",
        lesions="results/{network}/clusters/lesions.csv",
    output:
        concept_vectors=report(
            "results/{network}/joined/figures/concept_vectors.png",
            caption="../report/concept_vectors.rst",
            category="Joined",
            labels={"network": "{network}", "shows": "concept vectors (TCAV) and lesions"},
        ),
        record="results/records/figures/concept_vectors/{network}.json",
    log:
        "results/logs/figures/concept_vectors/{network}.log",
    benchmark:
        "results/benchmarks/figures/concept_vectors/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Draw the concept vectors of {wildcards.network}"
    shell:
        "python -m anatomy.steps.concept_vector_figures {input.spec} --table {input.table} --layers {input.layers} "
        "--lesions {input.lesions} --concept-vectors {output.concept_vectors} --record {output.record} > {log} 2>&1"
