"""A mistake in the configuration gives one sentence that names the key, before any job starts."""

import contextlib
import copy
import re
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from anatomy.config import resolution
from anatomy.config.base import LARGEST_SEED
from anatomy.config.checks import check
from anatomy.config.configuration import OTHER_RESULTS, Configuration
from anatomy.config.splits import MOST_IMAGES, SPLITS
from anatomy.config.validation import validate
from anatomy.errors import InputError
from anatomy.plan import make_plan
from anatomy.stimuli.sources.toybox import FIRST_SCENE

ROOT = Path(__file__).parents[2]
NOTHING = object()


def usual():
    """Every section, with the keys that the tests change."""
    return {
        "stimuli": {
            "toybox": {
                "source": "toybox",
                "image_size": 64,
                "images": {"extraction": 19, "evaluation": 6},
            },
            "lessons": {"source": "toybox", "images": {"training": 9, "evaluation": 5}},
        },
        "networks": {
            "small": {
                "architecture": "toybox_alexnet",
                "weights": "trained",
                "training": {"stimuli": "lessons"},
            },
            "untrained": {"untrained_twin_of": "small"},
        },
        "recordings": {"layers": ["conv5", "fc7"]},
        "circuits": {"stimuli": "toybox"},
        "knockouts": {"stimuli": "toybox", "networks": ["small"]},
        "clusters": {"stimuli": "toybox", "networks": ["small"]},
        "broden": {"source": "toybox", "images_per_category": 2},
        "dissection": {"networks": ["small"]},
        "features": {"networks": ["small"]},
        "activations": {
            "stimuli": "toybox",
            "networks": ["small"],
            "occlusion": {},
            "manipulation": {},
        },
        "identities": {"source": "toybox"},
        "identity": {"networks": ["small"]},
        "joined": {"stimuli": "toybox", "networks": ["small"], "concept_vectors": {}},
        "compute": {"threads": 1},
    }


def changed(key, value):
    """The usual configuration with the value at a dotted key replaced (or removed)."""
    raw = copy.deepcopy(usual())
    *path, last = key.split(".")
    section = raw
    for part in path:
        section = section.setdefault(part, {})
    if value is NOTHING:
        del section[last]
    else:
        section[last] = value
    return raw


def refusal(raw):
    """The one sentence with which a configuration is refused."""
    with pytest.raises(InputError) as error:
        check(validate(raw))
    text = str(error.value)
    assert text.startswith("configuration: ")
    assert "\n" not in text
    assert not text.endswith(".")
    return text.removeprefix("configuration: ")


def test_the_usual_configuration_passes():
    check(validate(usual()))


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda p: p.name)
def test_the_configurations_that_ship_are_valid(path):
    validate(yaml.safe_load(path.read_text()))


def test_the_default_configuration_can_be_carried_out():
    configuration = validate(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
    check(configuration)
    assert make_plan(configuration).specs


UNKNOWN_KEYS = [
    ("circuts", "did you mean circuits?"),
    ("stimuli.toybox.image_sise", "did you mean image_size?"),
    ("stimuli.toybox.sourc", "did you mean source?"),
    ("stimuli.toybox.images.evaluatoin", "did you mean evaluation?"),
    ("networks.small.weigths", "did you mean weights?"),
    ("networks.small.training.epoch", "did you mean epochs?"),
    ("networks.small.preprocessing.meen", "did you mean mean?"),
    ("recordings.layer", "did you mean layers?"),
    ("circuits.threshhold", "did you mean threshold?"),
    ("knockouts.propotions", "did you mean proportions?"),
    ("broden.images_by_category", "did you mean images_per_category?"),
    ("dissection.quantil", "did you mean quantile?"),
    ("dissection.rotations.strength", "did you mean strengths?"),
    ("features.pyramid_level", "did you mean pyramid_levels?"),
    ("activations.occlusion.patches", "did you mean patch?"),
    ("activations.manipulation.control", "did you mean controls?"),
    ("identities.view", "did you mean views?"),
    ("identity.penalty", "did you mean penalties?"),
    ("compute.cores", "known here are threads, batch_size"),
    ("stimuli.toybox.folder", "known here are source, categories, image_size, images, seed"),
]


@pytest.mark.parametrize(("key", "suggestion"), UNKNOWN_KEYS)
def test_an_unknown_key_is_named_at_every_level(key, suggestion):
    assert refusal(changed(key, 3)) == f"{key} is not a known key; {suggestion}"


WRONG_VALUES = [
    ("circuits.threshold", 1.3, "circuits.threshold = 1.3 is not possible: it must be at most 1"),
    ("circuits.threshold", 0, "circuits.threshold = 0 is not possible: it must be greater than 0"),
    (
        "circuits.threshold",
        [0.5, 2],
        "circuits.threshold[1] = 2 is not possible: it must be at most 1",
    ),
    (
        "circuits.threshold",
        [],
        "circuits.threshold = [] is not possible: it must have 1 or more entries",
    ),
    (
        "circuits.threshold",
        [0.5, 0.5],
        "circuits.threshold = [0.5, 0.5] is not possible: it must name each value only",
    ),
    (
        "circuits.controls",
        ["random", "none"],
        "circuits.controls[1] = 'none' is not possible: it must be 'magnitude'",
    ),
    (
        "circuits.comparison.categories",
        0,
        "circuits.comparison.categories = 0 is not possible: it must be at least 1",
    ),
    (
        "circuits.comparison.scores",
        [],
        "circuits.comparison.scores = [] is not possible: it must have 1 or more",
    ),
    (
        "circuits.sweep",
        "some",
        "circuits.sweep = 'some' is not possible: it must be 'complete' or 'deciding'",
    ),
    ("circuits.threshold", None, "circuits.threshold = None is not possible: it must be a number"),
    ("circuits.threshold", float("nan"), "it must be a finite number"),
    ("knockouts.noise", float("inf"), "it must be a finite number"),
    (
        "networks.small.training.learning_rate",
        "1e-3",
        "networks.small.training.learning_rate = '1e-3' is not possible: it must be a number "
        "(YAML reads it as text; write 0.001)",
    ),
    (
        "compute.threads",
        "2",
        "compute.threads = '2' is not possible: it must be a whole number "
        "(YAML reads it as text; write 2)",
    ),
    (
        "compute.threads",
        "two",
        "compute.threads = 'two' is not possible: it must be a whole number",
    ),
    ("compute.threads", 2.0, "compute.threads = 2.0 is not possible: it must be a whole number"),
    ("compute.threads", True, "compute.threads = True is not possible: it must be a whole number"),
    ("compute.threads", 0, "compute.threads = 0 is not possible: it must be at least 1"),
    ("knockouts.seed", -1, "knockouts.seed = -1 is not possible: it must be at least 0"),
    ("knockouts.seed", 2**32, f"it must be at most {LARGEST_SEED}"),
    ("stimuli.toybox.images.scoring", 10**6 + 1, "it must be at most 1000000"),
    (
        "circuits.networks",
        "small",
        "circuits.networks = 'small' is not possible: it must be a list",
    ),
    (
        "circuits.networks",
        [],
        "circuits.networks = [] is not possible: it must have 1 or more entries",
    ),
    ("circuits.categories", [], "it must have 1 or more entries"),
    ("knockouts.layers", [], "it must have 1 or more entries"),
    ("knockouts.layers", "conv1", "it must be a list or be 'all'"),
    ("knockouts.layers", ["conv1", 3], "knockouts.layers[1] = 3 is not possible: it must be text"),
    ("knockouts.kinds", ["node", "synapses"], "knockouts.kinds[1] = 'synapses' is not possible"),
    ("knockouts.kinds", ["node", "node"], "it must name each value only once"),
    ("knockouts.proportions", [0.2, 0.1], "it must ascend without repetition"),
    ("knockouts.proportions", [0.1, 0.1], "it must ascend without repetition"),
    ("knockouts.proportions", [0.1, 1.1], "knockouts.proportions[1] = 1.1 is not possible"),
    (
        "clusters.response_images",
        4,
        "clusters.response_images = 4 is not possible: it must be at least 8 or be 'all'",
    ),
    ("clusters.components", "some", "it must be a whole number or be 'all'"),
    ("clusters.numbers", [1], "clusters.numbers[0] = 1 is not possible: it must be at least 2"),
    ("clusters.numbers", [2, 2], "it must name each value only once"),
    ("clusters.methods", ["kmeans"], "it must be 'gaussian_mixture', 'ward' or 'hdbscan'"),
    ("clusters.stimuli", "toybax", "clusters.stimuli: 'toybax' is not defined"),
    ("dissection.networks", ["large"], "dissection.networks: 'large' is not defined; there are"),
    ("dissection.layers", [], "it must have 1 or more entries"),
    ("dissection.layers", "conv1", "it must be a list or be 'all'"),
    ("dissection.quantile", 0, "dissection.quantile = 0 is not possible: it must be greater than"),
    ("dissection.quantile", 1, "dissection.quantile = 1 is not possible: it must be less than 1"),
    ("dissection.thresholds", "rough", "it must be 'exact' or 'sketch'"),
    ("dissection.minimum_iou", 1.5, "dissection.minimum_iou = 1.5 is not possible"),
    ("dissection.top_images", 0, "dissection.top_images = 0 is not possible: it must be at least"),
    ("dissection.resamples", -1, "dissection.resamples = -1 is not possible: it must be at least"),
    ("dissection.rotations.strengths", [0], "strengths[0] = 0 is not possible: it must be greater"),
    ("dissection.rotations.strengths", [1.5], "strengths[0] = 1.5 is not possible: it must be at"),
    ("dissection.rotations.strengths", [0.5, 0.5], "it must name each value only once"),
    ("dissection.rotations.combined_units", [1], "combined_units[0] = 1 is not possible: it must"),
    ("dissection.rotations.repeats", 0, "repeats = 0 is not possible: it must be at least 1"),
    ("broden.source", NOTHING, "broden.source is missing"),
    ("broden.source", "zip", "broden.source = 'zip' is not possible: it must be 'toybox' or 'fol"),
    ("broden", {"source": "folder"}, "broden.folder is missing"),
    ("broden", {"source": "archive"}, "broden.archive is missing"),
    (
        "broden",
        {"source": "archive", "archive": "x", "images": 0},
        "broden.images = 0 is not possible: it must be at least 1",
    ),
    (
        "broden",
        NOTHING,
        "dissection: there are no labelled images to dissect with; add a section broden",
    ),
    ("features.networks", ["large"], "features.networks: 'large' is not defined; there are"),
    ("features.pyramid_scale", 1, "features.pyramid_scale = 1 is not possible: it must be greater"),
    ("features.pyramid_levels", 0, "pyramid_levels = 0 is not possible: it must be at least 1"),
    ("activations.stimuli", "toybax", "activations.stimuli: 'toybax' is not defined"),
    ("activations.images", 0, "activations.images = 0 is not possible: it must be at least 1"),
    ("activations.images", [], "activations.images = [] is not possible: it must have 1 or more"),
    ("activations.images", ["a", "a"], "it must name each value only once"),
    ("activations.images", [7], "activations.images[0] = 7 is not possible: it must be text"),
    ("activations.occlusion.patch", 1, "patch = 1 is not possible: it must be less than 1"),
    ("activations.occlusion.fill", "black", "it must be 'mean', 'grey' or 'noise'"),
    ("activations.manipulation.concept_categories", ["leg"], "concept_categories[0] = 'leg' is"),
    (
        "activations.manipulation.images_per_concept",
        5,
        "activations.manipulation: images_per_concept = 5 is less than minimum_images = 8",
    ),
    ("activations.manipulation.controls", 0, "controls = 0 is not possible: it must be at least 1"),
    ("identities.source", "zip", "identities.source = 'zip' is not possible: it must be 'toybox'"),
    ("identities.identities", {"test": 1}, "identities.identities.test = 1 is not possible"),
    ("identity.training_pairs", 2402, "it must be a multiple of 4"),
    ("identity.proportions", [0.1, 0.6], "identity.proportions[1] = 0.6 is not possible"),
    ("identity.proportions", [0.2, 0.1], "it must ascend without repetition"),
    ("identity.representations", ["sum"], "identity.representations[0] = 'sum' is not possible"),
    ("identity.localizer", {"folder": "x"}, "identity.localizer.kinds is missing"),
    (
        "identities",
        NOTHING,
        "identity: there are no faces and houses to tell apart; add a section identities",
    ),
    ("circuits.removed_fractions", [0, 0.5, 0.4], "it must begin with 0 and ascend"),
    ("circuits.removed_fractions", [0.1, 0.5], "it must begin with 0 and ascend"),
    ("circuits.removed_fractions", [], "it must begin with 0 and ascend"),
    ("circuits.score", "snip", "it must be 'absolute_per_image', 'absolute_per_position', "),
    ("circuits", [], "circuits = [] is not possible: it must be a section of keys and values"),
    ("networks.small", "alexnet", "it must be a section of keys and values"),
    ("stimuli", {}, "stimuli = {} is not possible: it must have 1 or more entries"),
    (
        "stimuli.toybox.source",
        "toy",
        "stimuli.toybox.source = 'toy' is not possible: it must be 'folder' or 'imagenette' or 'toybox'",
    ),
    (
        "networks.small.preprocessing",
        {"mean": [1, 2]},
        "networks.small.preprocessing.mean[2] is missing",
    ),
    ("networks.small.preprocessing", {"std": [1, 2, 0]}, "std[2] = 0 is not possible"),
    ("networks.small.preprocessing", {"scale": 0}, "scale = 0 is not possible"),
    ("stimuli.to-y", {"source": "toybox"}, "stimuli.to-y: a name must begin with a letter"),
    (
        "networks.2nd",
        {"untrained_twin_of": "small"},
        "networks.2nd: a name must begin with a letter",
    ),
    ("stimuli.toybox.source", NOTHING, "stimuli.toybox.source is missing"),
    ("circuits.stimuli", NOTHING, "circuits.stimuli is missing"),
    ("networks", NOTHING, "networks is missing"),
    ("networks.small.weights", NOTHING, "networks.small: needs weights (or untrained_twin_of)"),
    ("networks.small.training", NOTHING, "weights: trained and a training section go together"),
    (
        "networks.untrained.architecture",
        "alexnet",
        "an untrained twin takes no other key than seed",
    ),
    (
        "circuits.stimuli",
        "toybax",
        "circuits.stimuli: 'toybax' is not defined; there are toybox, lessons",
    ),
    (
        "circuits.networks",
        ["large"],
        "circuits.networks: 'large' is not defined; there are small, un",
    ),
    ("knockouts.stimuli", "toybax", "knockouts.stimuli: 'toybax' is not defined"),
    ("networks.small.training.stimuli", "x", "networks.small.training.stimuli: 'x' is not defined"),
    ("networks.untrained.untrained_twin_of", "x", "untrained_twin_of: 'x' is not defined"),
    (
        "networks.third",
        {"untrained_twin_of": "untrained"},
        "'untrained' is itself an untrained twin",
    ),
    ("networks.untrained.untrained_twin_of", "untrained", "is itself an untrained twin"),
]


@pytest.mark.parametrize(("key", "value", "expected"), WRONG_VALUES)
def test_a_wrong_value_is_named(key, value, expected):
    text = refusal(changed(key, value))
    assert expected in text
    assert key.split(".")[0] in text


IMPOSSIBLE = [
    (
        "networks.small.architecture",
        "alexnet2",
        "networks.small.architecture: 'alexnet2' is unknown",
    ),
    (
        "recordings.layers",
        ["conv9"],
        "recordings.layers: no network has a layer 'conv9'; those of ",
    ),
    ("knockouts.layers", ["fc9"], "knockouts.layers: network 'small' has no layer 'fc9'"),
    (
        "circuits.categories",
        ["dragon"],
        "circuits.categories: 'dragon' is not a category of stimuli.toy",
    ),
    ("stimuli.toybox.categories", ["dragon"], "stimuli.toybox.categories: 'dragon' is unknown"),
    ("stimuli.toybox.categories", [], "stimuli.toybox.categories must name at least one category"),
    ("stimuli.toybox.categories", ["dog", "dog"], "and each only once"),
    ("stimuli.toybox.categories", ["dog"], "circuits.stimuli: 'toybox' holds one category"),
    (
        "stimuli.lessons.categories",
        ["dog", "cat"],
        "circuits: network 'small' has no output unit for",
    ),
    (
        "stimuli.toybox.image_size",
        48,
        "stimuli.toybox.image_size = 48 is smaller than the input of net",
    ),
    ("stimuli.lessons.image_size", 48, "stimuli.lessons.image_size = 48 is smaller than the input"),
    (
        "stimuli.lessons.images.training",
        0,
        "stimuli.lessons.images.training is 0, but network 'small'",
    ),
    ("stimuli.lessons.images.evaluation", 0, "stimuli.lessons.images.evaluation is 0, but network"),
    (
        "stimuli.toybox.images.scoring",
        0,
        "stimuli.toybox.images.scoring is 0, but circuits need it",
    ),
    ("stimuli.toybox.images.extraction", 0, "stimuli.toybox.images.extraction is 0, but circuits"),
    (
        "knockouts.images_per_category",
        7,
        "knockouts.images_per_category asks for 7 evaluation images",
    ),
    (
        "clusters.layers",
        ["conv5", "fc8"],
        "clusters.layers: 'fc8' is the output layer of network 'small'; its units are the categories",
    ),
    ("clusters.layers", ["conv9"], "clusters.layers: network 'small' has no layer 'conv9'"),
    (
        "clusters.folds",
        20,
        "clusters.folds = 20 needs at least as many extraction images of each category, but "
        "stimuli.toybox.images.extraction is 19",
    ),
    (
        "clusters.random_images_per_category",
        7,
        "clusters.random_images_per_category asks for 7 evaluation images",
    ),
    ("dissection.layers", ["conv9"], "dissection.layers: network 'small' has no layer 'conv9'"),
    (
        "dissection.layers",
        ["conv5", "fc6"],
        "dissection.layers: 'fc6' of network 'small' is no convolution; its responses have no places",
    ),
    (
        "dissection.rotations",
        {"layers": ["conv9"]},
        "dissection.rotations.layers: network 'small' has no layer 'conv9'",
    ),
    (
        "dissection.rotations",
        {"layers": ["fc6"]},
        "dissection.rotations.layers: 'fc6' of network 'small' is no convolution",
    ),
    (
        "dissection",
        {"layers": ["conv1", "conv5"], "rotations": {"layers": ["conv5", "conv2"]}},
        "dissection.rotations.layers: 'conv2' is none of dissection.layers",
    ),
    (
        "broden.image_size",
        96,
        "the labelled images of broden have 96 pixels, but network 'small' sees 64; take the Broden of this size, "
        "or set networks.small.preprocessing.input_size",
    ),
    (
        "features.layers",
        ["fc6"],
        "features.layers: 'fc6' of network 'small' is neither a convolution nor the output layer",
    ),
    ("activations.layers", ["fc6"], "activations.layers: 'fc6' of network 'small' is no convol"),
    (
        "activations.images",
        13,
        "activations.images = 13 asks for images of as many categories, but stimuli.toybox has 12",
    ),
    ("identity.layer", "conv9", "identity.layer: network 'small' has no layer 'conv9'"),
    ("identity.layer", "fc8", "identity.layer: 'fc8' is the output layer of network 'small'"),
    (
        "identity.readout",
        "conv2",
        "identity.readout: 'conv2' lies before identity.layer = 'conv3' in network 'small', so that no",
    ),
    (
        "identities.image_size",
        32,
        "identities.image_size = 32 is smaller than the input of network 'small' (64), to which the",
    ),
    (
        "identities.identities",
        {"training": 6},
        "identity.folds = 4 needs at least 2 identities of each kind in every fold, but there are 6",
    ),
    (
        "identities.views",
        2,
        "identity.training_pairs = 2400 asks for 150 pairs of the same faces in each of 4 folds, but 15 identities "
        "in 2 views make 15",
    ),
    (
        "identities",
        {"source": "folder", "folder": "nowhere"},
        "identities.folder: there is no folder nowhere/face",
    ),
    (
        "identity",
        {"training_pairs": 16, "folds": 20},
        "identity.training_pairs = 16 are too few for 20 folds; at least 80 are needed",
    ),
    (
        "identities.identities",
        {"training": 60, "test": 2},
        "identity.test_pairs = 480 asks for 120 pairs of the same faces, but 2 identities in 8 views make 56",
    ),
    (
        "features.pyramid_levels",
        12,
        "features.smoothing = 1 is too much for the coarsest image of the pyramid, 2 pixels for network 'small'",
    ),
    (
        "identity.localizer",
        {"folder": "nowhere", "kinds": {"face": ["adult"], "house": ["house"]}},
        "identity.localizer.kinds: there is no folder nowhere/adult",
    ),
    (
        "identity.localizer",
        {"folder": "x", "kinds": {"face": ["a"], "house": ["a"]}},
        "identity.localizer.kinds: folder 'a' is named twice",
    ),
    (
        "joined.layers",
        ["fc6"],
        "joined.layers: 'fc6' of network 'small' is no convolution",
    ),
    (
        "networks.own",
        {"architecture": "alexnet", "weights": "missing/weights.pth"},
        "networks.own.weights: 'missing/weights.pth' is neither torchvision nor trained nor a file",
    ),
    (
        "networks.own",
        {"architecture": "bvlc_alexnet", "weights": "torchvision"},
        "networks.own.weights: torchvision has no weights for bvlc_alexnet",
    ),
    (
        "networks.own",
        {"architecture": "alexnet", "weights": "torchvision", "outputs": "missing.csv"},
        "networks.own.outputs: ",
    ),
    (
        "networks.own",
        {"architecture": "alexnet", "weights": "torchvision"},
        "stimuli.toybox.image_size = 64 is smaller than the input of network 'own' (224), to which ",
    ),
    (
        "stimuli.photos",
        {"source": "folder", "folder": "/no/folder"},
        "stimuli.photos.folder: '/no/folder'",
    ),
    (
        "stimuli.photos",
        {"source": "folder", "folder": ".", "category_table": "no.csv"},
        "stimuli.photos.category_table: ",
    ),
    (
        "stimuli.photos",
        {"source": "imagenette", "resize": 200},
        "stimuli.photos.resize = 200 is smaller than image_size = 224",
    ),
    (
        "stimuli.photos",
        {"source": "toybox", "images": dict.fromkeys(SPLITS, 0)},
        "asks for no images",
    ),
]


def test_units_are_silenced_in_dissected_layers_alone():
    raw = changed("joined.layers", ["conv5"])
    raw["dissection"]["layers"] = ["conv4"]
    assert refusal(raw) == (
        "joined.layers: 'conv5' is none of dissection.layers of network 'small'"
    )


@pytest.mark.parametrize("split", ["evaluation", "extraction"])
def test_joined_results_need_images(split):
    raw = {key: usual()[key] for key in ("stimuli", "networks", "broden", "dissection", "joined")}
    raw["recordings"] = {"layers": []}
    raw["stimuli"]["toybox"]["images"][split] = 0
    raw["joined"].pop("concept_vectors")
    if split == "extraction":
        check(validate(raw))
        raw["clusters"] = usual()["clusters"] | {"stimuli": "lessons"}
        raw["joined"]["concept_vectors"] = {}
    assert refusal(raw) == f"stimuli.toybox.images.{split} is 0, but joined needs it"


def test_networks_of_different_architectures_share_lists_of_layers():
    """Each takes the layers that it has, and must have one."""
    raw = usual()
    raw["networks"]["other"] = {"architecture": "resnet18", "weights": "torchvision"}
    raw["activations"] |= {"networks": ["small", "other"], "layers": ["conv5", "layer4.1.conv2"]}
    raw["stimuli"]["toybox"]["image_size"] = 224
    raw["activations"].pop("manipulation")
    raw["circuits"]["networks"] = ["small"]
    configuration = validate(raw)
    check(configuration)
    layers = {
        name: make_plan(configuration).specs[f"activations/{name}"]["layers"]
        for name in ("small", "other")
    }
    assert layers == {"small": ["conv5"], "other": ["layer4.1.conv2"]}
    raw["activations"]["layers"] = ["conv5"]
    assert refusal(raw).startswith("activations.layers: network 'other' has no layer 'conv5'")
    raw["activations"]["layers"] = ["conv5", "layer4.1.conv2", "conv9"]
    assert refusal(raw).startswith("activations.layers: network 'small' has no layer 'conv9'")


@pytest.mark.parametrize("section", ["circuits", "clusters"])
def test_there_must_be_something_to_join(section):
    raw = changed("dissection", NOTHING)
    raw["joined"].pop("concept_vectors")
    check(validate(raw))
    del raw[section]
    assert refusal(raw).startswith("joined: there is nothing to join; add a section dissection")


@pytest.mark.parametrize(("key", "value", "expected"), IMPOSSIBLE)
def test_what_cannot_be_carried_out_is_named(key, value, expected):
    raw = changed(key, value)
    if key == "networks.own" and "small" not in str(value):
        raw["recordings"]["layers"] = []
    text = refusal(raw)
    if key == "stimuli.toybox.image_size":
        text = text.replace("network 'untrained'", "network 'small'")
    assert expected in text


def test_a_category_without_an_output_unit_is_named():
    raw = changed("networks.own", {"architecture": "alexnet", "weights": "torchvision"})
    raw["stimuli"]["toybox"]["image_size"] = 224
    text = refusal(raw)
    assert text.startswith("circuits: network 'own' has no output unit for category ")
    assert text.endswith(" of stimuli.toybox")


def test_cluster_lesions_need_two_super_categories():
    raw = changed("clusters.stimuli", "animals")
    raw["stimuli"]["animals"] = {"source": "toybox", "categories": ["dog", "cat"]}
    assert refusal(raw) == (
        "clusters.stimuli: all categories of stimuli.animals are animate, but what a lesion costs one super-category "
        "is compared with what it costs another"
    )


def test_knockouts_without_evaluation_images_are_named():
    raw = changed("stimuli.toybox.images.evaluation", 0)
    del raw["circuits"]
    assert refusal(raw) == "stimuli.toybox.images.evaluation is 0, but knock-outs need it"


# --- photographs


@pytest.fixture
def photographs(tmp_path):
    """Two categories with four images in train and three in val, and their table."""
    for folder, count in (("train", 4), ("val", 3)):
        for category in ("n1", "n2"):
            (tmp_path / folder / category).mkdir(parents=True)
            for number in range(count):
                path = tmp_path / folder / category / f"{number}.png"
                Image.new("RGB", (8, 8)).save(path)
    table = "category,super_category,output\nn1,animate,0\nn2,inanimate,1\nn3,inanimate,2\n"
    (tmp_path / "table.csv").write_text(table)
    raw = usual()
    raw["stimuli"]["photos"] = {
        "source": "folder",
        "folder": str(tmp_path),
        "category_table": str(tmp_path / "table.csv"),
        "categories": ["n1", "n2"],
        "images": {"scoring": 4, "extraction": 2, "evaluation": 1},
    }
    return raw


def test_as_many_photographs_as_there_are_can_be_asked_for(photographs):
    check(validate(photographs))


@pytest.mark.parametrize(
    ("split", "count", "expected"),
    [
        ("scoring", 5, "asks for 5 images of category 'n1' (training + scoring), but "),
        ("training", 1, "asks for 5 images of category 'n1' (training + scoring), but "),
        ("evaluation", 2, "asks for 4 images of category 'n1' (extraction + evaluation), but "),
    ],
)
def test_more_photographs_than_there_are_are_named(photographs, split, count, expected):
    photographs["stimuli"]["photos"]["images"][split] = count
    text = refusal(photographs)
    assert text.startswith(f"stimuli.photos.images {expected}")
    assert re.search(r"n1 has [34]$", text)


def test_a_category_without_a_folder_is_named(photographs):
    photographs["stimuli"]["photos"]["categories"] = ["n1", "n3"]
    assert refusal(photographs).startswith(
        "stimuli.photos.folder: category 'n3': there is no folder"
    )


@pytest.mark.parametrize("source", ["folder", "imagenette"])
def test_photographs_are_not_cropped_beyond_their_size(photographs, source):
    section = photographs["stimuli"]["photos"]
    if source == "imagenette":
        section = photographs["stimuli"]["photos"] = {"source": "imagenette"}
    section |= {"resize": 100, "image_size": 128}
    expected = "stimuli.photos.resize = 100 is smaller than image_size = 128"
    assert refusal(photographs) == expected


def test_output_units_are_numbered_without_gaps(photographs, tmp_path):
    (tmp_path / "outputs.csv").write_text("category,super_category,output\nn1,a,0\nn2,a,2\n")
    photographs["networks"]["own"] = {
        "architecture": "alexnet",
        "weights": str(tmp_path / "table.csv"),
        "outputs": str(tmp_path / "outputs.csv"),
    }
    assert "outputs.csv must number the outputs 0 to 1, each once" in refusal(photographs)


def test_torchvisions_weights_are_for_a_thousand_outputs(photographs, tmp_path):
    photographs["networks"]["own"] = {
        "architecture": "alexnet",
        "weights": "torchvision",
        "outputs": str(tmp_path / "table.csv"),
    }
    text = refusal(photographs)
    assert text.startswith(
        "networks.own.outputs names 3 output units, but torchvision's weights are"
    )


# --- labelled images

TABLE = "image,split,ih,iw,sh,sw\n1.png,train,{},64,32,32\n2.png,train,96,96,48,48\n"


def zipped(archive, members):
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, text in members.items():
            opened.writestr(name, text)


@pytest.fixture(params=["folder", "archive"])
def labelled(request, tmp_path):
    """From the text of index.csv to the section that names the folder or the archive that holds it."""

    def written(text):
        place = tmp_path / "broden"
        if request.param == "folder":
            place.mkdir()
            (place / "index.csv").write_text(text, encoding="utf-8")
        else:
            zipped(place, {"top/": "", "top/images/1.png": "", "top/index.csv": text})
        return {"source": request.param, request.param: str(place)}

    return written


def about(section):
    """How a sentence about a folder or an archive begins."""
    source = section["source"]
    return f"broden.{source}: {section[source]!r}"


def test_labelled_images_of_the_right_size_pass(labelled):
    check(validate(changed("broden", labelled(TABLE.format(64)))))


def test_the_size_of_labelled_images_is_that_of_the_first_row(labelled):
    assert refusal(changed("broden", labelled(TABLE.format(384)))) == (
        "the labelled images of broden have 384 pixels, but network 'small' sees 64; take the Broden of this size, or "
        "set networks.small.preprocessing.input_size"
    )


@pytest.mark.parametrize(
    "text", ["", "image,ih\n", "image,iw\nx.png,64\n", "ih\n\n", "image,ih\nx.png\n"]
)
def test_an_index_without_an_image_size_is_named(labelled, text):
    section = labelled(text)
    expected = f"{about(section)}: its index.csv says no image size (column ih)"
    assert refusal(changed("broden", section)) == expected


@pytest.mark.parametrize("size", ["", "x", "-64", "64.0", "6 4"])
def test_an_image_size_that_is_no_number_is_named(labelled, size):
    section = labelled(TABLE.format(size))
    assert refusal(changed("broden", section)).startswith(f"{about(section)}: its index.csv says")


def test_labelled_images_that_are_not_there_are_named(labelled, tmp_path):
    section = labelled(TABLE.format(64))
    source = section["source"]
    section[source] = str(tmp_path / "absent")
    expected = f"{about(section)} cannot be read (No such file or directory)"
    assert refusal(changed("broden", section)) == expected


def test_a_folder_without_an_index_is_named(tmp_path):
    section = {"source": "folder", "folder": str(tmp_path)}
    expected = f"{about(section)} cannot be read (No such file or directory)"
    assert refusal(changed("broden", section)) == expected


def test_an_archive_holds_one_index(tmp_path):
    archive = tmp_path / "broden.zip"
    section = {"source": "archive", "archive": str(archive)}
    text = TABLE.format(64)
    for members in (
        {"top/image.png": ""},
        {"top/index.csv.txt": text, "top/my_index.csv": text, "top/index.csv/image.png": ""},
        {"a/index.csv": text, "b/index.csv": text},
    ):
        zipped(archive, members)
        assert (
            refusal(changed("broden", section)) == f"{about(section)} does not hold one index.csv"
        )
    zipped(archive, {"index.csv": text, "__MACOSX/._index.csv": ""})
    check(validate(changed("broden", section)))


def test_what_is_no_archive_is_named(tmp_path):
    archive = tmp_path / "broden.zip"
    section = {"source": "archive", "archive": str(archive)}
    zipped(archive, {"index.csv": TABLE.format(64)})
    whole = archive.read_bytes()
    for data in (b"", b"<html>not found</html>", whole[: len(whole) // 2]):
        archive.write_bytes(data)
        expected = f"{about(section)} is no zip archive, or damaged or encrypted"
        assert refusal(changed("broden", section)) == expected
    section["archive"] = str(tmp_path)
    assert (
        refusal(changed("broden", section)) == f"{about(section)} cannot be read (Is a directory)"
    )


def of_size(size):
    """Networks whose input is as large as that, dissected with labelled images as large."""
    raw = usual()
    raw["identities"]["image_size"] = size
    for method in ("circuits", "knockouts", "clusters", "joined"):
        del raw[method]
    for stimuli in raw["stimuli"].values():
        stimuli["image_size"] = size
    raw["networks"]["small"]["preprocessing"] = {"input_size": size}
    raw["broden"]["image_size"] = size
    raw["dissection"] = {}
    return raw


def test_the_size_that_counts_is_that_of_the_networks_input():
    check(validate(of_size(96)))


def test_every_network_that_is_dissected_sees_labelled_images_of_its_size():
    raw = of_size(96)
    raw["recordings"] = {}
    raw["networks"]["large"] = {"architecture": "alexnet", "weights": "torchvision"}
    assert refusal(raw).startswith(
        "the labelled images of broden have 96 pixels, but network 'large' sees 224"
    )
    raw["dissection"] = {"networks": ["untrained", "small"]}
    check(validate(raw))


@pytest.mark.parametrize("layers", [None, "all", ["conv5"], ["conv4", "conv1"]])
def test_layers_that_are_dissected_can_be_mixed(layers):
    section = {"layers": ["conv1", "conv4", "conv5"], "rotations": {"layers": layers}}
    check(validate(changed("dissection", section)))


# --- names


def literal_folders():
    """Folders of results/ that rules write to under a fixed name."""
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    rules += (ROOT / "Snakefile").read_text()
    return set(re.findall(r"results/([A-Za-z_]+)(?:/|\"\))", rules))


def test_names_of_folders_in_results_are_reserved():
    assert {"stimuli", "specs", "logs", "figures"} <= literal_folders()
    assert literal_folders() == set(OTHER_RESULTS)


@pytest.mark.parametrize("name", [*OTHER_RESULTS, "Stimuli", "LOGS"])
def test_a_network_cannot_have_a_reserved_name(name):
    text = refusal(changed(f"networks.{name}", {"untrained_twin_of": "small"}))
    assert text == (
        f"networks.{name}: a network cannot have this name, because results/{name} holds other results"
    )


@pytest.mark.parametrize("name", ["broden", "labelled_images", "toybox_broden", "Broden"])
def test_a_network_cannot_be_called_like_the_labelled_images(name):
    text = refusal(changed(f"networks.{name}", {"untrained_twin_of": "small"}))
    assert text.startswith(f"networks.{name}: a network cannot have this name")


@pytest.mark.parametrize("section", ["networks", "stimuli"])
def test_names_that_some_file_systems_cannot_tell_apart_are_refused(section):
    value = {"untrained_twin_of": "small"} if section == "networks" else {"source": "toybox"}
    first = next(iter(usual()[section]))
    text = refusal(changed(f"{section}.{first.upper()}", value))
    assert text.startswith(
        f"{section}.{first.upper()}: differs from {section}.{first} in upper and lower"
    )


def test_a_network_and_a_stimulus_set_may_share_a_name():
    raw = changed("networks.toybox", {"untrained_twin_of": "small"})
    check(validate(raw))
    specs = make_plan(validate(raw)).specs
    assert len({job.lower() for job in specs}) == len(specs)


def test_a_toybox_split_cannot_run_into_the_next_one():
    starts = sorted(FIRST_SCENE.values())
    assert min(b - a for a, b in pairwise(starts)) >= MOST_IMAGES


# --- anything at all

KEYS = st.sampled_from(
    [*Configuration.model_fields, "toybox", "small", "source", "images", "categories", "training"]
) | st.text(max_size=6)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(
        ["toybox", "folder", "all", "trained", "small", "1e-3", "nan", "list[", "literal["]
    )
)
JUNK = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS | st.integers() | st.none(), inner, max_size=4)
    ),
    max_leaves=12,
)


def only_refused(raw):
    """Whatever it is, it is valid or refused in one sentence; nothing else happens."""
    text = "configuration: "
    with contextlib.suppress(InputError):
        try:
            check(validate(raw))
        except InputError as error:
            text = str(error)
            raise
    assert text.startswith("configuration: ")
    assert "\n" not in text


@given(JUNK)
def test_anything_but_a_configuration_is_refused(raw):
    only_refused(raw)


PLACES = [
    *("stimuli", "stimuli.toybox", "stimuli.toybox.source", "stimuli.toybox.images"),
    *("stimuli.toybox.categories", "stimuli.extra", "networks", "networks.small"),
    *("networks.small.training", "networks.small.preprocessing", "networks.untrained"),
    *("recordings", "recordings.layers", "circuits", "circuits.removed_fractions"),
    *("circuits.networks", "knockouts", "knockouts.layers", "knockouts.kinds", "compute", "extra"),
    *("knockouts.proportions", "broden", "compute.threads", "circuits.categories"),
    *("dissection", "dissection.layers", "dissection.rotations", "dissection.rotations.layers"),
    *("dissection.networks", "broden.source", "broden.archive", "broden.image_size"),
]


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@example("stimuli", {"\n": None})
@given(st.sampled_from(PLACES), JUNK)
def test_anything_in_the_place_of_a_value_is_refused_or_valid(key, junk):
    only_refused(changed(key, junk))


def test_resolution_finds_the_layers_without_torch():
    configuration = validate(usual())
    assert resolution.layers(configuration, "untrained")[-1] == ("fc8", "linear")


# --- labelled images that cannot be read


def section(path):
    return {"source": "archive", "archive": str(path)}


def test_no_layers_to_mix():
    raw = changed("dissection.rotations", {"layers": []})
    assert refusal(raw).startswith("dissection.rotations.layers = [] is not possible")


def damaged(tmp_path, kind):
    path = tmp_path / "broden.zip"
    zipped(path, {"index.csv": TABLE.format(64) * 50})
    data = bytearray(path.read_bytes())
    central = data.index(b"PK\x01\x02")
    if kind == "compressed data":
        data[39:60] = bytes(21)[:21].replace(b"\0", b"\xff")
    if kind == "encrypted":
        data[6] |= 1
        data[central + 8] |= 1
    if kind == "compression":
        data[8] = data[central + 10] = 97
    path.write_bytes(data)
    return section(path)


@pytest.mark.parametrize("kind", ["compressed data", "encrypted", "compression"])
def test_an_index_that_cannot_be_unpacked_is_named(tmp_path, kind):
    own = damaged(tmp_path, kind)
    assert refusal(changed("broden", own)).startswith(about(own))


def test_a_table_with_a_huge_cell_is_named(tmp_path):
    (tmp_path / "index.csv").write_text("image,ih\n" + 200_000 * "x" + ",64\n")
    own = {"source": "folder", "folder": str(tmp_path)}
    assert refusal(changed("broden", own)).startswith(about(own))


def test_an_index_that_is_no_text_is_named(tmp_path):
    (tmp_path / "index.csv").write_bytes("image,ih\ncaf\u00e9.png,64\n".encode("latin-1"))
    own = {"source": "folder", "folder": str(tmp_path)}
    assert "does not hold one index.csv" not in refusal(changed("broden", own))


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    (tmp_path / "index.csv").write_text("ih,image\n64,x.png\n", encoding="utf-8-sig")
    check(validate(changed("broden", {"source": "folder", "folder": str(tmp_path)})))


@pytest.mark.parametrize("key", ["broden", "stimuli.photos"])
def test_unknown_keys_of_folders_get_a_suggestion(key):
    raw = changed(key, {"source": "folder", "folder": "x", "imags": 3})
    assert refusal(raw) == f"{key}.imags is not a known key; did you mean images?"
