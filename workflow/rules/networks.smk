# Networks: trained here, with weights from torchvision or a file, or untrained controls.
# Writes results/{network}/network/{network.json,weights.safetensors} and results/downloads/{architecture}.pth.


rule download_weights:
    input:
        spec="results/specs/weights/{architecture}.json",
    output:
        weights="results/downloads/{architecture}.pth",
        record="results/records/weights/{architecture}.json",
    log:
        "results/logs/weights/{architecture}.log",
    benchmark:
        "results/benchmarks/weights/{architecture}.tsv"
    localrule: True
    conda:
        "../../envs/anatomy.yaml"
    message:
        "Download the weights of {wildcards.architecture}"
    shell:
        "python -m anatomy.steps.weights {input.spec} --weights {output.weights} --record {output.record} "
        "> {log} 2>&1"


rule make_network:
    input:
        spec="results/specs/network/{network}.json",
        stimuli=lambda wildcards: PLAN.training_stimuli(wildcards.network),
        downloaded=lambda wildcards: PLAN.downloaded_weights(wildcards.network),
        # the spec knows whether it is still the same file
        given=ancient(lambda wildcards: PLAN.given_weights(wildcards.network)),
    output:
        description="results/{network}/network/network.json",
        weights="results/{network}/network/weights.safetensors",
        record="results/records/network/{network}.json",
    log:
        "results/logs/network/{network}.log",
    benchmark:
        "results/benchmarks/network/{network}.tsv"
    priority: 100
    conda:
        "../../envs/anatomy.yaml"
    threads: lambda wildcards: PLAN.training_threads(wildcards.network)
    resources:
        gpu=lambda wildcards: PLAN.training_gpus(wildcards.network),
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    message:
        "Make the network {wildcards.network}"
    shell:
        "python -m anatomy.steps.network {input.spec} --stimuli {input.stimuli} --weights {input.downloaded} {input.given} "
        "--description {output.description} --record {output.record} --gpus {resources.gpu} > {log} 2>&1"
