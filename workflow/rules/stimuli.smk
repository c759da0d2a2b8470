# Stimulus sets: images decoded or drawn once, into a Zarr store with its table.
# Writes results/stimuli/{stimuli}.{zarr,json,csv}; labelled ones: results/{toybox_broden,broden}/ and
# results/labelled_images/.


rule download_imagenette:
    input:
        spec="results/specs/imagenette/{version}.json",
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
    priority: 100
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
    output:
        folder=directory("results/toybox_broden"),
        manifest="results/toybox_broden.json",
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
        "python -m anatomy.steps.toybox_broden {input.spec} --folder {output.folder} --manifest {output.manifest} "
        "--record {output.record} > {log} 2>&1"


rule unpack_broden:
    input:
        spec="results/specs/unpack_broden.json",
        # the spec knows whether it is still the same file
        archive=ancient(PLAN.broden_archive()),
    output:
        folder=directory("results/broden"),
        manifest="results/broden.json",
        record="results/records/unpack_broden.json",
    log:
        "results/logs/unpack_broden.log",
    benchmark:
        "results/benchmarks/unpack_broden.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    message:
        "Unpack Broden"
    shell:
        "python -m anatomy.steps.unpack_broden {input.spec} --archive {input.archive} --folder {output.folder} "
        "--manifest {output.manifest} --record {output.record} > {log} 2>&1"


rule make_labelled_images:
    input:
        spec="results/specs/labelled_images.json",
        broden=PLAN.broden_manifest(),
    output:
        images=directory("results/labelled_images/images.zarr"),
        labels=directory("results/labelled_images/labels.zarr"),
        images_manifest="results/labelled_images/images.json",
        images_table="results/labelled_images/images.csv",
        concepts="results/labelled_images/concepts.csv",
        areas="results/labelled_images/areas.parquet",
        manifest="results/labelled_images/labels.json",
        record="results/records/labelled_images.json",
    log:
        "results/logs/labelled_images.log",
    benchmark:
        "results/benchmarks/labelled_images.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
    message:
        "Decode the labelled images"
    shell:
        "python -m anatomy.steps.labelled_images {input.spec} --broden {input.broden} --manifest {output.manifest} "
        "--record {output.record} > {log} 2>&1"
