# Figures, drawn from tables (the toybox pictures from its renderer).
# Writes results/figures/*.png and results/{network}/{method}/figures/*.png.


rule draw_toybox:
    input:
        spec="results/specs/figures/toybox.json",
    output:
        contact_sheet=report(
            "results/figures/toybox_contact_sheet.png",
            caption="../report/toybox_contact_sheet.rst",
            category="Stimuli",
            labels={"network": "-", "shows": "the toybox"},
        ),
        labels=report(
            "results/figures/toybox_labels.png",
            caption="../report/toybox_labels.rst",
            category="Stimuli",
            labels={"network": "-", "shows": "labels of one scene"},
        ),
        record="results/records/figures/toybox.json",
    log:
        "results/logs/figures/toybox.log",
    benchmark:
        "results/benchmarks/figures/toybox.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Draw the pictures of the toybox"
    shell:
        "python -m anatomy.steps.toybox_figures {input.spec} --contact-sheet {output.contact_sheet} "
        "--labels {output.labels} --record {output.record} > {log} 2>&1"


rule draw_circuits:
    input:
        spec="results/specs/figures/circuits/{network}.json",
        summary="results/{network}/circuits/summary.csv",
        sweep="results/{network}/circuits/sweep.csv",
        frontier="results/{network}/circuits/frontier.csv",
        controls="results/{network}/circuits/controls.csv",
    output:
        pruning_curves=report(
            "results/{network}/circuits/figures/pruning_curves.png",
            caption="../report/pruning_curves.rst",
            category="Category circuits",
            labels={"network": "{network}", "shows": "pruning curves"},
        ),
        circuit_sizes=report(
            "results/{network}/circuits/figures/circuit_sizes.png",
            caption="../report/circuit_sizes.rst",
            category="Category circuits",
            labels={"network": "{network}", "shows": "circuit sizes"},
        ),
        substitution_accuracy=report(
            "results/{network}/circuits/figures/substitution_accuracy.png",
            caption="../report/substitution_accuracy.rst",
            category="Category circuits",
            labels={"network": "{network}", "shows": "accuracy on new images"},
        ),
        frontier_figure=report(
            "results/{network}/circuits/figures/frontier.png",
            caption="../report/frontier.rst",
            category="Category circuits",
            labels={"network": "{network}", "shows": "size against faithfulness"},
        ),
        controls_figure=report(
            "results/{network}/circuits/figures/controls.png",
            caption="../report/controls.rst",
            category="Category circuits",
            labels={"network": "{network}", "shows": "controls and necessity"},
        ),
        record="results/records/figures/circuits/{network}.json",
    log:
        "results/logs/figures/circuits/{network}.log",
    benchmark:
        "results/benchmarks/figures/circuits/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Draw the figures of the circuits of {wildcards.network}"
    shell:
        "python -m anatomy.steps.circuit_figures {input.spec} --summary {input.summary} --sweep {input.sweep} "
        "--frontier {input.frontier} --controls {input.controls} --pruning-curves {output.pruning_curves} "
        "--circuit-sizes {output.circuit_sizes} --substitution-accuracy {output.substitution_accuracy} "
        "--frontier-figure {output.frontier_figure} --controls-figure {output.controls_figure} "
        "--record {output.record} > {log} 2>&1"


rule draw_overlap:
    input:
        spec="results/specs/figures/overlap/{network}.json",
        pairs="results/{network}/circuits/overlap.parquet",
        overlap="results/{network}/circuits/overlap.csv",
        sharing="results/{network}/circuits/sharing.csv",
        layer_shares="results/{network}/circuits/layer_shares.csv",
    output:
        overlap=report(
            "results/{network}/circuits/figures/overlap.png",
            caption="../report/overlap.rst",
            category="Category circuits",
            labels={"network": "{network}", "shows": "overlap of circuits"},
        ),
        overlap_matrix=report(
            "results/{network}/circuits/figures/overlap_matrix.png",
            caption="../report/overlap_matrix.rst",
            category="Category circuits",
            labels={"network": "{network}", "shows": "overlap, pair by pair"},
        ),
        layer_shares=report(
            "results/{network}/circuits/figures/layer_shares.png",
            caption="../report/layer_shares.rst",
            category="Category circuits",
            labels={"network": "{network}", "shows": "layers and shared weights"},
        ),
        record="results/records/figures/overlap/{network}.json",
    log:
        "results/logs/figures/overlap/{network}.log",
    benchmark:
        "results/benchmarks/figures/overlap/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Draw how the circuits of {wildcards.network} overlap"
    shell:
        "python -m anatomy.steps.overlap_figures {input.spec} --pairs {input.pairs} --overlap-table {input.overlap} "
        "--sharing {input.sharing} --layer-shares-table {input.layer_shares} --overlap {output.overlap} --overlap-matrix {output.overlap_matrix} "
        "--layer-shares {output.layer_shares} --record {output.record} > {log} 2>&1"


rule draw_score_comparison:
    input:
        spec="results/specs/figures/score_comparison/{network}.json",
        table="results/{network}/circuits/score_comparison.csv",
    output:
        score_comparison=report(
            "results/{network}/circuits/figures/score_comparison.png",
            caption="../report/score_comparison.rst",
            category="Category circuits",
            labels={"network": "{network}", "shows": "kinds of scores compared"},
        ),
        record="results/records/figures/score_comparison/{network}.json",
    log:
        "results/logs/figures/score_comparison/{network}.log",
    benchmark:
        "results/benchmarks/figures/score_comparison/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Draw the comparison of weight scores of {wildcards.network}"
    shell:
        "python -m anatomy.steps.score_comparison_figures {input.spec} --table {input.table} --score-comparison {output.score_comparison} "
        "--record {output.record} > {log} 2>&1"


rule draw_scoring_stability:
    input:
        spec="results/specs/figures/scoring_stability/{network}.json",
        table="results/{network}/circuits/scoring_stability.csv",
    output:
        scoring_stability=report(
            "results/{network}/circuits/figures/scoring_stability.png",
            caption="../report/scoring_stability.rst",
            category="Category circuits",
            labels={"network": "{network}", "shows": "how many scoring images"},
        ),
        record="results/records/figures/scoring_stability/{network}.json",
    log:
        "results/logs/figures/scoring_stability/{network}.log",
    benchmark:
        "results/benchmarks/figures/scoring_stability/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Draw how many scoring images {wildcards.network} needs"
    shell:
        "python -m anatomy.steps.scoring_stability_figures {input.spec} --table {input.table} --scoring-stability {output.scoring_stability} "
        "--record {output.record} > {log} 2>&1"


rule draw_circuit_pictures:
    input:
        spec="results/specs/figures/pictures/{network}.json",
        units=lambda wildcards: PLAN.picture_tables(wildcards.network, "units"),
        connections=lambda wildcards: PLAN.picture_tables(wildcards.network, "connections"),
    output:
        folder=report(
            directory("results/{network}/circuits/figures/pictures"),
            patterns=["{category}.png"],
            caption="../report/circuit_picture.rst",
            category="Pictures of circuits",
            labels={"network": "{network}", "category": "{category}"},
        ),
        record="results/records/figures/pictures/{network}.json",
    log:
        "results/logs/figures/pictures/{network}.log",
    benchmark:
        "results/benchmarks/figures/pictures/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    message:
        "Draw pictures of the circuits of {wildcards.network}"
    shell:
        "python -m anatomy.steps.circuit_picture_figures {input.spec} --units {input.units} "
        "--connections {input.connections} --folder {output.folder} --record {output.record} > {log} 2>&1"


rule draw_knockouts:
    input:
        spec="results/specs/figures/knockouts/{network}.json",
        table="results/{network}/knockouts/performance.csv",
        areas="results/{network}/knockouts/areas.csv",
        categories="results/{network}/knockouts/categories.csv",
    output:
        performance=report(
            "results/{network}/knockouts/figures/performance.png",
            caption="../report/knockout_performance.rst",
            category="Knock-outs",
            labels={"network": "{network}", "shows": "accuracy, layer by layer"},
        ),
        sensitivity=report(
            "results/{network}/knockouts/figures/sensitivity.png",
            caption="../report/knockout_sensitivity.rst",
            category="Knock-outs",
            labels={"network": "{network}", "shows": "super-categories"},
        ),
        areas_figure=report(
            "results/{network}/knockouts/figures/areas.png",
            caption="../report/knockout_areas.rst",
            category="Knock-outs",
            labels={"network": "{network}", "shows": "area under the curves, half loss"},
        ),
        categories_figure=report(
            "results/{network}/knockouts/figures/categories.png",
            caption="../report/knockout_categories.rst",
            category="Knock-outs",
            labels={"network": "{network}", "shows": "categories"},
        ),
        record="results/records/figures/knockouts/{network}.json",
    log:
        "results/logs/figures/knockouts/{network}.log",
    benchmark:
        "results/benchmarks/figures/knockouts/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Draw the figures of the knock-outs of {wildcards.network}"
    shell:
        "python -m anatomy.steps.knockout_figures {input.spec} --table {input.table} --areas {input.areas} "
        "--categories {input.categories} --performance {output.performance} --sensitivity {output.sensitivity} "
        "--areas-figure {output.areas_figure} --categories-figure {output.categories_figure} "
        "--record {output.record} > {log} 2>&1"


rule draw_clusters:
    input:
        spec="results/specs/figures/clusters/{network}.json",
        validation="results/{network}/clusters/cv.csv",
        choice="results/{network}/clusters/choice.csv",
        lesions="results/{network}/clusters/lesions.csv",
        losses="results/{network}/clusters/losses.csv",
        layers="results/{network}/clusters/layers.csv",
        images=lambda wildcards: PLAN.hurt_images(wildcards.network),
    output:
        distance=report(
            "results/{network}/clusters/figures/distance.png",
            caption="../report/cluster_distance.rst",
            category="Cluster lesions",
            labels={"network": "{network}", "shows": "choice of the number of clusters"},
        ),
        losses=report(
            "results/{network}/clusters/figures/losses.png",
            caption="../report/cluster_losses.rst",
            category="Cluster lesions",
            labels={"network": "{network}", "shows": "loss of each super-category"},
        ),
        category_losses=report(
            "results/{network}/clusters/figures/category_losses.png",
            caption="../report/cluster_categories.rst",
            category="Cluster lesions",
            labels={"network": "{network}", "shows": "loss of each category"},
        ),
        layer_profile=report(
            "results/{network}/clusters/figures/layer_profile.png",
            caption="../report/cluster_layers.rst",
            category="Cluster lesions",
            labels={"network": "{network}", "shows": "layers of the clusters"},
        ),
        hurt_images=report(
            "results/{network}/clusters/figures/hurt_images.png",
            caption="../report/cluster_images.rst",
            category="Cluster lesions",
            labels={"network": "{network}", "shows": "images that suffer"},
        ),
        record="results/records/figures/clusters/{network}.json",
    log:
        "results/logs/figures/clusters/{network}.log",
    benchmark:
        "results/benchmarks/figures/clusters/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Draw the figures of the cluster lesions of {wildcards.network}"
    shell:
        "python -m anatomy.steps.cluster_figures {input.spec} --validation {input.validation} "
        "--choice {input.choice} --lesions {input.lesions} --losses {input.losses} --layers {input.layers} "
        "--images {input.images} --distance {output.distance} --losses-figure {output.losses} "
        "--category-losses {output.category_losses} --layer-profile {output.layer_profile} "
        "--hurt-images {output.hurt_images} --record {output.record} > {log} 2>&1"


rule draw_dissection:
    input:
        spec="results/specs/figures/dissection/{network}.json",
        detectors="results/{network}/dissection/detectors.csv",
        units=lambda wildcards: PLAN.dissected(wildcards.network, "units.csv"),
        top_images=lambda wildcards: PLAN.dissected(wildcards.network, "top_images.parquet"),
    output:
        detectors=report(
            "results/{network}/dissection/figures/detectors.png",
            caption="../report/dissection_detectors.rst",
            category="Network dissection",
            labels={"network": "{network}", "shows": "unique detectors of each layer"},
        ),
        units=report(
            "results/{network}/dissection/figures/units.png",
            caption="../report/dissection_units.rst",
            category="Network dissection",
            labels={"network": "{network}", "shows": "best detectors"},
        ),
        record="results/records/figures/dissection/{network}.json",
    log:
        "results/logs/figures/dissection/{network}.log",
    benchmark:
        "results/benchmarks/figures/dissection/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Draw the figures of the dissection of {wildcards.network}"
    shell:
        "python -m anatomy.steps.dissection_figures {input.spec} --detectors {input.detectors} "
        "--units {input.units} --top-images {input.top_images} --detectors-figure {output.detectors} "
        "--units-figure {output.units} --record {output.record} > {log} 2>&1"


rule draw_rotations:
    input:
        spec="results/specs/figures/rotations/{network}.json",
        table="results/{network}/dissection/rotations.csv",
    output:
        rotations=report(
            "results/{network}/dissection/figures/rotations.png",
            caption="../report/dissection_rotations.rst",
            category="Network dissection",
            labels={"network": "{network}", "shows": "other bases of the same responses"},
        ),
        record="results/records/figures/rotations/{network}.json",
    log:
        "results/logs/figures/rotations/{network}.log",
    benchmark:
        "results/benchmarks/figures/rotations/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Draw the dissection of other bases of {wildcards.network}"
    shell:
        "python -m anatomy.steps.rotation_figures {input.spec} --table {input.table} "
        "--rotations {output.rotations} --record {output.record} > {log} 2>&1"


rule draw_features:
    input:
        spec="results/specs/figures/features/{network}.json",
        tables=lambda wildcards: PLAN.feature_tables(wildcards.network),
        filters="results/{network}/features/filters.parquet",
    output:
        folder=report(
            directory("results/{network}/features/figures/layers"),
            patterns=["{name}.png"],
            caption="../report/features.rst",
            category="Features",
            labels={"network": "{network}", "shows": "{name}"},
        ),
        record="results/records/figures/features/{network}.json",
    log:
        "results/logs/figures/features/{network}.log",
    benchmark:
        "results/benchmarks/figures/features/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 20 * attempt,
    message:
        "Draw the features of {wildcards.network}"
    shell:
        "python -m anatomy.steps.feature_figures {input.spec} --tables {input.tables} "
        "--filters {input.filters} --folder {output.folder} --record {output.record} > {log} 2>&1"


rule draw_activations:
    input:
        spec="results/specs/figures/activations/{network}.json",
        maps="results/{network}/activations/maps.json",
        channels="results/{network}/activations/channels.csv",
        stimuli=lambda wildcards: PLAN.stimuli_of("activations"),
        top_images="results/{network}/activations/top_images.parquet",
        occlusion=lambda wildcards: PLAN.occlusion_tables(wildcards.network),
        features=lambda wildcards: PLAN.feature_tables(wildcards.network),
    output:
        folder=report(
            directory("results/{network}/activations/figures/layers"),
            patterns=["{name}.png"],
            caption="../report/activations.rst",
            category="Activations",
            labels={"network": "{network}", "shows": "{name}"},
        ),
        record="results/records/figures/activations/{network}.json",
    log:
        "results/logs/figures/activations/{network}.log",
    benchmark:
        "results/benchmarks/figures/activations/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 20 * attempt,
    message:
        "Draw the activations of {wildcards.network}"
    shell:
        "python -m anatomy.steps.activation_figures {input.spec} --maps {input.maps} "
        "--channels {input.channels} --stimuli {input.stimuli} --top-images {input.top_images} "
        "--occlusion {input.occlusion} --features {input.features} --folder {output.folder} "
        "--record {output.record} > {log} 2>&1"


rule draw_interventions:
    input:
        spec="results/specs/figures/interventions/{network}.json",
        table="results/{network}/activations/manipulation.parquet",
        examples="results/{network}/activations/manipulation_examples.parquet",
    output:
        interventions=report(
            "results/{network}/activations/figures/interventions.png",
            caption="../report/interventions.rst",
            category="Activations",
            labels={"network": "{network}", "shows": "detectors by intervention"},
        ),
        record="results/records/figures/interventions/{network}.json",
    log:
        "results/logs/figures/interventions/{network}.log",
    benchmark:
        "results/benchmarks/figures/interventions/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Draw the detectors by intervention of {wildcards.network}"
    shell:
        "python -m anatomy.steps.manipulation_figures {input.spec} --table {input.table} "
        "--examples {input.examples} --interventions {output.interventions} --record {output.record} "
        "> {log} 2>&1"


rule draw_identity:
    input:
        spec="results/specs/figures/identity/{network}.json",
        accuracy="results/{network}/identity/accuracy.csv",
        cross_validation="results/{network}/identity/cross_validation.csv",
        selectivity="results/{network}/identity/selectivity.csv",
        lesions="results/{network}/identity/lesions.csv",
        dissociation="results/{network}/identity/dissociation.csv",
        identities="results/identities/images.json",
        pairs="results/identities/pairs.csv",
    output:
        dissociation_figure=report(
            "results/{network}/identity/figures/dissociation.png",
            caption="../report/dissociation.rst",
            category="Identity task",
            labels={"network": "{network}", "shows": "double dissociation"},
        ),
        doses=report(
            "results/{network}/identity/figures/doses.png",
            caption="../report/doses.rst",
            category="Identity task",
            labels={"network": "{network}", "shows": "doses of lesions"},
        ),
        selectivity_figure=report(
            "results/{network}/identity/figures/selectivity.png",
            caption="../report/selectivity.rst",
            category="Identity task",
            labels={"network": "{network}", "shows": "selective units"},
        ),
        pairs_figure=report(
            "results/{network}/identity/figures/pairs.png",
            caption="../report/pairs.rst",
            category="Identity task",
            labels={"network": "{network}", "shows": "pairs and accuracy"},
        ),
        record="results/records/figures/identity/{network}.json",
    log:
        "results/logs/figures/identity/{network}.log",
    benchmark:
        "results/benchmarks/figures/identity/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Draw the figures of the identity task of {wildcards.network}"
    shell:
        "python -m anatomy.steps.identity_figures {input.spec} --accuracy {input.accuracy} "
        "--cross-validation {input.cross_validation} --selectivity {input.selectivity} "
        "--lesions {input.lesions} --dissociation {input.dissociation} --identities {input.identities} "
        "--pairs {input.pairs} --dissociation-figure {output.dissociation_figure} --doses {output.doses} "
        "--selectivity-figure {output.selectivity_figure} --pairs-figure {output.pairs_figure} "
        "--record {output.record} > {log} 2>&1"


rule draw_dissected_networks:
    input:
        spec="results/specs/figures/dissected_networks.json",
        tables=PLAN.tables("dissection", "detectors"),
    output:
        networks=report(
            "results/figures/dissection.png",
            caption="../report/dissection_networks.rst",
            category="Network dissection",
            labels={"network": "all", "shows": "concepts in each layer of each network"},
        ),
        record="results/records/figures/dissected_networks.json",
    log:
        "results/logs/figures/dissected_networks.log",
    benchmark:
        "results/benchmarks/figures/dissected_networks.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Draw what the layers of all networks detect"
    shell:
        "python -m anatomy.steps.dissected_networks_figures {input.spec} --tables {input.tables} "
        "--networks {output.networks} --record {output.record} > {log} 2>&1"


rule draw_headlines:
    input:
        spec="results/specs/figures/headlines.json",
        table="results/summary.csv",
    output:
        headlines=report(
            "results/figures/headlines.png",
            caption="../report/headlines.rst",
            category="At a glance",
            labels={"network": "all", "shows": "headline numbers"},
        ),
        front_page="results/figures/front_page.rst",
        record="results/records/figures/headlines.json",
    log:
        "results/logs/figures/headlines.log",
    benchmark:
        "results/benchmarks/figures/headlines.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Draw the headline numbers"
    shell:
        "python -m anatomy.steps.headline_figures {input.spec} --table {input.table} "
        "--headlines {output.headlines} --front-page {output.front_page} --record {output.record} > {log} 2>&1"
