# The causal functional anatomy of image-recognition networks.
#
# This file is the table of contents: configuration, rules, and one target per method.
# `snakemake --cores 2` makes everything; `snakemake --cores 2 circuits` makes one method's results.

from snakemake.utils import min_version

min_version("9.0")

# A configuration given with --configfile replaces the default one, it is not merged into it
if not workflow.overwrite_configfiles:

    configfile: f"{workflow.basedir}/config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/stimuli.smk"
include: "workflow/rules/networks.smk"
include: "workflow/rules/recordings.smk"
include: "workflow/rules/circuits.smk"
include: "workflow/rules/circuit_analyses.smk"
include: "workflow/rules/knockouts.smk"
include: "workflow/rules/clusters.smk"
include: "workflow/rules/dissection.smk"
include: "workflow/rules/features.smk"
include: "workflow/rules/activations.smk"
include: "workflow/rules/identity.smk"
include: "workflow/rules/joined.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/summary.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/joined_figures.smk"
include: "workflow/rules/atlas.smk"


localrules:
    all,
    stimuli,
    networks,
    circuits,
    knockouts,
    clusters,
    dissection,
    features,
    activations,
    identity,
    joined,
    figures,
    atlas,


rule all:
    default_target: True
    input:
        TARGETS["stimuli"],
        TARGETS["circuits"],
        TARGETS["knockouts"],
        TARGETS["clusters"],
        TARGETS["dissection"],
        TARGETS["features"],
        TARGETS["activations"],
        TARGETS["identity"],
        TARGETS["joined"],
        TARGETS["figures"],
        TARGETS["atlas"],
        "results/summary.csv",
    message:
        "All results are there"


rule stimuli:
    input:
        TARGETS["stimuli"],
    message:
        "The stimuli are there"


rule networks:
    input:
        TARGETS["networks"],
    message:
        "The networks are there"


rule circuits:
    input:
        TARGETS["circuits"],
    message:
        "The circuits are there"


rule knockouts:
    input:
        TARGETS["knockouts"],
    message:
        "The knock-outs are there"


rule clusters:
    input:
        TARGETS["clusters"],
    message:
        "The cluster lesions are there"


rule dissection:
    input:
        TARGETS["dissection"],
    message:
        "The dissections are there"


rule features:
    input:
        TARGETS["features"],
    message:
        "The features are there"


rule activations:
    input:
        TARGETS["activations"],
    message:
        "The activations are there"


rule identity:
    input:
        TARGETS["identity"],
    message:
        "The identity task is done"


rule joined:
    input:
        TARGETS["joined"],
    message:
        "The methods are joined"


rule figures:
    input:
        TARGETS["figures"],
    message:
        "The figures are there"


rule atlas:
    input:
        TARGETS["atlas"],
    message:
        "The atlas is there: open results/atlas.html"


onsuccess:
    print("Headline numbers are in results/summary.csv. For all figures: snakemake --report results/report.html")


onerror:
    print("A job failed. Its log is named above; mend the cause and run the same command again.")
