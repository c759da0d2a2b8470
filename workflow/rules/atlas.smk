# The atlas: pages that show for every category and unit what all methods found, drawn from tables.
# Writes results/{network}/atlas/ and results/atlas.html.


rule make_atlas:
    input:
        spec="results/specs/atlas/{network}.json",
        network="results/{network}/network/network.json",
        stimuli=lambda wildcards: PLAN.of_atlas(wildcards.network, "stimuli"),
        top_images=lambda wildcards: PLAN.of_atlas(wildcards.network, "top_images"),
        features=lambda wildcards: PLAN.of_atlas(wildcards.network, "features"),
        filters=lambda wildcards: PLAN.of_atlas(wildcards.network, "filters"),
        circuits=lambda wildcards: PLAN.of_atlas(wildcards.network, "circuits"),
        sweep=lambda wildcards: PLAN.of_atlas(wildcards.network, "sweep"),
        controls=lambda wildcards: PLAN.of_atlas(wildcards.network, "controls"),
        overlap=lambda wildcards: PLAN.of_atlas(wildcards.network, "overlap"),
        drawn_units=lambda wildcards: PLAN.of_atlas(wildcards.network, "drawn_units"),
        drawn_connections=lambda wildcards: PLAN.of_atlas(wildcards.network, "drawn_connections"),
        cluster_losses=lambda wildcards: PLAN.of_atlas(wildcards.network, "cluster_losses"),
        knockout_areas=lambda wildcards: PLAN.of_atlas(wildcards.network, "knockout_areas"),
        dissected=lambda wildcards: PLAN.of_atlas(wildcards.network, "dissected"),
        interventions=lambda wildcards: PLAN.of_atlas(wildcards.network, "interventions"),
        circuit_units=lambda wildcards: PLAN.of_atlas(wildcards.network, "circuit_units"),
        unit_lesions=lambda wildcards: PLAN.of_atlas(wildcards.network, "unit_lesions"),
        concept_lesions=lambda wildcards: PLAN.of_atlas(wildcards.network, "concept_lesions"),
    output:
        folder=directory("results/{network}/atlas"),
        record="results/records/atlas/{network}.json",
    log:
        "results/logs/atlas/{network}.log",
    benchmark:
        "results/benchmarks/atlas/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    message:
        "Make the atlas of {wildcards.network}"
    shell:
        "python -m anatomy.steps.atlas {input.spec} --network {input.network} --stimuli {input.stimuli} "
        "--top-images {input.top_images} --features {input.features} --filters {input.filters} "
        "--circuits {input.circuits} --sweep {input.sweep} --controls {input.controls} "
        "--overlap {input.overlap} --drawn-units {input.drawn_units} "
        "--drawn-connections {input.drawn_connections} --cluster-losses {input.cluster_losses} "
        "--knockout-areas {input.knockout_areas} --dissected {input.dissected} "
        "--interventions {input.interventions} --circuit-units {input.circuit_units} "
        "--unit-lesions {input.unit_lesions} --concept-lesions {input.concept_lesions} "
        "--folder {output.folder} --record {output.record} > {log} 2>&1"


rule list_atlases:
    input:
        spec="results/specs/atlases.json",
        table="results/summary.csv",
        atlases=PLAN.atlases(),
    output:
        page="results/atlas.html",
        record="results/records/atlases.json",
    log:
        "results/logs/atlases.log",
    benchmark:
        "results/benchmarks/atlases.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Make the page of all atlases"
    shell:
        "python -m anatomy.steps.atlases {input.spec} --table {input.table} --atlases {input.atlases} "
        "--page {output.page} --record {output.record} > {log} 2>&1"
