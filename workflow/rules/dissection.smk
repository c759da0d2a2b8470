# Network dissection: responses to labelled images, labels of units, other bases, pages to look at.
# Writes results/{network}/dissection/responses.{zarr,json} and, in a folder for each layer, counts.{zarr,json},
# units.csv, detectors.parquet, top_images.parquet, rotations.parquet and gallery.html.


rule record_dissection_responses:
    input:
        spec="results/specs/dissection_responses/{network}.json",
        network="results/{network}/network/network.json",
        labelled="results/labelled_images/labels.json",
    output:
        store=directory("results/{network}/dissection/responses.zarr"),
        manifest="results/{network}/dissection/responses.json",
        record="results/records/dissection_responses/{network}.json",
    log:
        "results/logs/dissection_responses/{network}.log",
    benchmark:
        "results/benchmarks/dissection_responses/{network}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    message:
        "Record the responses of {wildcards.network} to the labelled images"
    shell:
        "python -m anatomy.steps.dissection_responses {input.spec} --network {input.network} "
        "--labelled {input.labelled} --store {output.store} --manifest {output.manifest} "
        "--record {output.record} --gpus {resources.gpu} > {log} 2>&1"


rule dissect:
    input:
        spec="results/specs/dissection/{network}/{layer}.json",
        labelled="results/labelled_images/labels.json",
        responses="results/{network}/dissection/responses.json",
    output:
        store=directory("results/{network}/dissection/{layer}/counts.zarr"),
        manifest="results/{network}/dissection/{layer}/counts.json",
        units="results/{network}/dissection/{layer}/units.csv",
        detectors="results/{network}/dissection/{layer}/detectors.parquet",
        top_images="results/{network}/dissection/{layer}/top_images.parquet",
        record="results/records/dissection/{network}/{layer}.json",
    log:
        "results/logs/dissection/{network}/{layer}.log",
    benchmark:
        "results/benchmarks/dissection/{network}/{layer}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
    message:
        "Dissect {wildcards.layer} of {wildcards.network}"
    shell:
        "python -m anatomy.steps.dissection {input.spec} --labelled {input.labelled} --responses {input.responses} "
        "--store {output.store} --manifest {output.manifest} --units {output.units} "
        "--detectors {output.detectors} --top-images {output.top_images} --record {output.record} > {log} 2>&1"


rule dissect_rotations:
    input:
        spec="results/specs/rotations/{network}/{layer}.json",
        labelled="results/labelled_images/labels.json",
        responses="results/{network}/dissection/responses.json",
    output:
        table="results/{network}/dissection/{layer}/rotations.parquet",
        record="results/records/rotations/{network}/{layer}.json",
    log:
        "results/logs/rotations/{network}/{layer}.log",
    benchmark:
        "results/benchmarks/rotations/{network}/{layer}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    threads: THREADS
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    message:
        "Dissect other bases of {wildcards.layer} of {wildcards.network}"
    shell:
        "python -m anatomy.steps.rotations {input.spec} --labelled {input.labelled} --responses {input.responses} "
        "--table {output.table} --record {output.record} > {log} 2>&1"


rule make_gallery:
    input:
        spec="results/specs/dissection_gallery/{network}/{layer}.json",
        units="results/{network}/dissection/{layer}/units.csv",
        top_images="results/{network}/dissection/{layer}/top_images.parquet",
    output:
        page="results/{network}/dissection/{layer}/gallery.html",
        record="results/records/dissection_gallery/{network}/{layer}.json",
    log:
        "results/logs/dissection_gallery/{network}/{layer}.log",
    benchmark:
        "results/benchmarks/dissection_gallery/{network}/{layer}.tsv"
    conda:
        "../../envs/anatomy.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 10 * attempt,
    message:
        "Make the page of the units of {wildcards.layer} of {wildcards.network}"
    shell:
        "python -m anatomy.steps.dissection_gallery {input.spec} --units {input.units} "
        "--top-images {input.top_images} --page {output.page} --record {output.record} > {log} 2>&1"
