# Stimulus sets: images decoded or drawn once, into a Zarr store with its table.
# Writes results/stimuli/{stimuli}.{zarr,json,csv} and results/toybox_broden/.


rule download_imagenette:
    input:
        spec="results/specs/imagenette/{version}.json",
        code=CODE["imagenette"],
    output:
        manifest="results/downloads/imagenette_{version}.json",
        record="results/records/imagenette/{version}.json",
    log:
        "results/logs/imagenette/{version}.log",
    benchmark:
        "results/benchmarks/imagenette/{version}.tsv"
    localrule: True
    conda:
        "../../envs/anatomy.yaml"
    message:
        "Download Imagenette ({wildcards.version})"
    shell:
        "python -m anatomy.steps.imagenette {input.spec} --manifest {output.manifest} --record {output.record} "
        "> {log} 2>&1"


rule make_stimuli:
    input:
        spec="results/specs/stimuli/{stimuli}.json",
        code=CODE["stimuli"],
        download=lambda wildcards: PLAN.downloads(wildcards.stimuli),
    output:
        store=directory("results/stimuli/{stimuli}.zarr"),
        manifest="results/stimuli/{stimuli}.json",
        table="results/stimuli/{stimuli}.csv",
        record="results/records/stimuli/{stimuli}.json",
    log:
        "results/logs/stimuli/{stimuli}.log",
    benchmark:
        "results/benchmarks/stimuli/{stimuli}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    message:
        "Make the stimulus set {wildcards.stimuli}"
    shell:
        "python -m anatomy.steps.stimuli {input.spec} --download {input.download} --store {output.store} "
        "--manifest {output.manifest} --table {output.table} --record {output.record} > {log} 2>&1"


rule make_toybox_broden:
    input:
        spec="results/specs/toybox_broden.json",
        code=CODE["toybox_broden"],
    output:
        folder=directory("results/toybox_broden"),
        record="results/records/toybox_broden.json",
    log:
        "results/logs/toybox_broden.log",
    benchmark:
        "results/benchmarks/toybox_broden.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    message:
        "Draw the labelled toybox"
    shell:
        "python -m anatomy.steps.toybox_broden {input.spec} --folder {output.folder} --record {output.record} "
        "> {log} 2>&1"
