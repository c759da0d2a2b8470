# Figures, drawn from tables (the toybox pictures from its renderer).
# Writes results/figures/*.png and results/{network}/{method}/figures/*.png.


rule draw_toybox:
    input:
        code=CODE["toybox_figures"],
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
        code=CODE["circuit_figures"],
        spec="results/specs/figures/circuits/{network}.json",
        summary="results/{network}/circuits/summary.csv",
        sweep="results/{network}/circuits/sweep.csv",
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
        "--pruning-curves {output.pruning_curves} --circuit-sizes {output.circuit_sizes} "
        "--substitution-accuracy {output.substitution_accuracy} --record {output.record} > {log} 2>&1"


rule draw_knockouts:
    input:
        code=CODE["knockout_figures"],
        spec="results/specs/figures/knockouts/{network}.json",
        table="results/{network}/knockouts/performance.csv",
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
        record="results/records/figures/knockouts/{network}.json",
    log:
        "results/logs/figures/knockouts/{network}.log",
    benchmark:
        "results/benchmarks/figures/knockouts/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Draw the figures of the knock-outs of {wildcards.network}"
    shell:
        "python -m anatomy.steps.knockout_figures {input.spec} --table {input.table} "
        "--performance {output.performance} --sensitivity {output.sensitivity} --record {output.record} "
        "> {log} 2>&1"


rule draw_headlines:
    input:
        code=CODE["headline_figures"],
        spec="results/specs/figures/headlines.json",
        table="results/summary.csv",
    output:
        headlines=report(
            "results/figures/headlines.png",
            caption="../report/headlines.rst",
            category="At a glance",
            labels={"network": "all", "shows": "headline numbers"},
        ),
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
        "--headlines {output.headlines} --record {output.record} > {log} 2>&1"
