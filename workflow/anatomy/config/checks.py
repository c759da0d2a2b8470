"""Checks of a configuration against the world: files, folders, layers, categories and images.

They run before any job starts and import neither torch nor image libraries.
"""

import csv
import io
import re
import zipfile
import zlib
from pathlib import Path
from typing import TextIO

from anatomy.archives import INDEX
from anatomy.config import resolution
from anatomy.config.activations import Activations
from anatomy.config.category_rows import few
from anatomy.config.clusters import Clusters
from anatomy.config.configuration import Configuration
from anatomy.config.dissection import Broden, BrodenFolder, Dissection, ToyboxBroden
from anatomy.config.features import Features
from anatomy.config.identity_checks import check_identities, check_identity
from anatomy.config.joined import Joined
from anatomy.config.methods import Circuits, Knockouts
from anatomy.config.splits import SPLITS
from anatomy.dissection_plan import dissected_layers
from anatomy.errors import InputError
from anatomy.image_pyramid import blur_reach, pyramid_sides
from anatomy.joined_plan import compared_layers
from anatomy.stimuli.sources import Source

NEEDED_BY_CIRCUITS = ("scoring", "extraction", "evaluation")
TORCHVISION_OUTPUTS = 1000
UTF_8 = "utf-8-sig"  # with or without a byte order mark
IMAGE_SIZE = re.compile("[0-9]{1,9}")
UNREADABLE_ZIP = (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError)
# two for the smallest comparison and as many for the reference, see anatomy.scoring_stability
LEAST_FOR_STABILITY = 4


def check(configuration: Configuration) -> None:
    """Raise InputError, in one sentence that names the key, if the configuration cannot be carried out."""
    for name, stimuli in configuration.stimuli.items():
        check_stimuli(f"stimuli.{name}", stimuli)
    for name in configuration.networks:
        _check_network(configuration, name)
    if configuration.circuits is not None:
        _check_circuits(configuration, configuration.circuits)
    if configuration.knockouts is not None:
        _check_knockouts(configuration, configuration.knockouts)
    if configuration.clusters is not None:
        _check_clusters(configuration, configuration.clusters)
    if configuration.features is not None:
        _check_features(configuration, configuration.features)
    if configuration.activations is not None:
        _check_activations(configuration, configuration.activations)
    if configuration.broden is not None:
        _check_labelled(configuration, _check_broden(configuration.broden))
    if configuration.identities is not None:
        check_identities(configuration.identities)
    if configuration.identity is not None:
        check_identity(configuration, configuration.identity)
    if configuration.joined is not None:
        _check_joined(configuration, configuration.joined)


def check_stimuli(key: str, stimuli: Source) -> None:
    """Check that the categories exist and have as many images as are asked for."""
    categories = resolution.stimulus_categories(key, stimuli)
    if "all" in {row.super_category for row in categories}:
        raise InputError(
            f"configuration: {key}: a super-category cannot be called 'all', which stands for all categories in results"
        )
    if not any(getattr(stimuli.images, split) for split in SPLITS):
        raise InputError(f"configuration: {key}.images asks for no images at all")
    stimuli.check(key, [row.category for row in categories])


def _check_network(configuration: Configuration, name: str) -> None:
    network = configuration.networks[name]
    outputs = resolution.output_categories(configuration, name)
    resolution.layers(configuration, name)
    resolution.recorded_layers(configuration, name)
    if network.training is not None:
        images = configuration.stimuli[network.training.stimuli].images
        for split in ("training", "evaluation"):
            if getattr(images, split) == 0:
                raise InputError(
                    f"configuration: stimuli.{network.training.stimuli}.images.{split} is 0, but network {name!r} "
                    "is trained with this set"
                )
        _check_size(configuration, name, network.training.stimuli, "which is trained with it")
    if network.weights_file is not None and not Path(network.weights_file).is_file():
        raise InputError(
            f"configuration: networks.{name}.weights: {network.weights!r} is neither torchvision nor trained nor "
            "a file"
        )
    if network.weights == "torchvision" and not resolution.is_torchvision(configuration, name):
        raise InputError(
            f"configuration: networks.{name}.weights: torchvision has no weights for {network.architecture}"
        )
    if network.weights == "torchvision" and len(outputs) != TORCHVISION_OUTPUTS:
        raise InputError(
            f"configuration: networks.{name}.outputs names {len(outputs)} output units, but torchvision's weights are "
            f"for {TORCHVISION_OUTPUTS}"
        )


def _check_circuits(configuration: Configuration, circuits: Circuits) -> None:
    stimuli = configuration.stimuli[circuits.stimuli]
    for split in NEEDED_BY_CIRCUITS:
        if getattr(stimuli.images, split) == 0:
            raise InputError(
                f"configuration: stimuli.{circuits.stimuli}.images.{split} is 0, but circuits need it"
            )
    _check_scoring_images(circuits, stimuli.images.scoring)
    known = [
        r.category for r in resolution.stimulus_categories(f"stimuli.{circuits.stimuli}", stimuli)
    ]
    if len(known) < 2:
        raise InputError(
            f"configuration: circuits.stimuli: {circuits.stimuli!r} holds one category, but circuits are told from "
            "images of other categories"
        )
    for category in circuits.categories or []:
        if category not in known:
            raise InputError(
                f"configuration: circuits.categories: {category!r} is not a category of "
                f"stimuli.{circuits.stimuli}; there are {few(known)}"
            )
    for name in resolution.networks_of(configuration, circuits):
        _check_shown(configuration, name, "circuits", circuits.stimuli)


def _check_scoring_images(circuits: Circuits, given: int) -> None:
    if given < (circuits.scoring_images or 0):
        raise InputError(
            f"configuration: circuits.scoring_images asks for {circuits.scoring_images}, but "
            f"stimuli.{circuits.stimuli}.images.scoring is {given}"
        )
    if circuits.stability is not None and given < LEAST_FOR_STABILITY:
        raise InputError(
            f"configuration: circuits.stability needs at least {LEAST_FOR_STABILITY} scoring images, but "
            f"stimuli.{circuits.stimuli}.images.scoring is {given}"
        )


def _check_knockouts(configuration: Configuration, knockouts: Knockouts) -> None:
    evaluation = configuration.stimuli[knockouts.stimuli].images.evaluation
    if evaluation == 0:
        raise InputError(
            f"configuration: stimuli.{knockouts.stimuli}.images.evaluation is 0, but knock-outs need it"
        )
    if evaluation < (knockouts.images_per_category or 0):
        raise InputError(
            f"configuration: knockouts.images_per_category asks for {knockouts.images_per_category} evaluation "
            f"images, but stimuli.{knockouts.stimuli}.images.evaluation is {evaluation}"
        )
    for name in resolution.networks_of(configuration, knockouts):
        resolution.chosen_layers("knockouts.layers", configuration, name, knockouts.layers)
        _check_shown(configuration, name, "knockouts", knockouts.stimuli)


def _check_clusters(configuration: Configuration, clusters: Clusters) -> None:
    key = f"stimuli.{clusters.stimuli}"
    stimuli = configuration.stimuli[clusters.stimuli]
    images = stimuli.images
    if images.extraction < clusters.folds:
        raise InputError(
            f"configuration: clusters.folds = {clusters.folds} needs at least as many extraction images of each "
            f"category, but {key}.images.extraction is {images.extraction}"
        )
    if images.evaluation == 0:
        raise InputError(
            f"configuration: {key}.images.evaluation is 0, but the lesions of clusters are measured on this split"
        )
    if images.evaluation < (clusters.random_images_per_category or 0):
        raise InputError(
            f"configuration: clusters.random_images_per_category asks for {clusters.random_images_per_category} "
            f"evaluation images, but {key}.images.evaluation is {images.evaluation}"
        )
    groups = {row.super_category for row in resolution.stimulus_categories(key, stimuli)}
    if len(groups) < 2:
        raise InputError(
            f"configuration: clusters.stimuli: all categories of {key} are {groups.pop()}, but what a lesion costs "
            "one super-category is compared with what it costs another"
        )
    for name in resolution.networks_of(configuration, clusters):
        resolution.hidden_layers("clusters.layers", configuration, name, clusters.layers)
        _check_shown(configuration, name, "clusters", clusters.stimuli)


def _check_broden(broden: Broden) -> int:
    """Check that the labelled images are there; returns their size, from the first line of the index."""
    if isinstance(broden, ToyboxBroden):
        return broden.image_size
    folder = isinstance(broden, BrodenFolder)
    key = f"broden.folder: {broden.folder!r}" if folder else f"broden.archive: {broden.archive!r}"
    try:
        return _size_in_folder(broden.folder) if folder else _size_in_archive(broden.archive)
    except InputError as error:
        problem = str(error)
    except OSError as error:
        problem = f" cannot be read ({error.strerror})"
    except UNREADABLE_ZIP:
        problem = " is no zip archive, or damaged or encrypted"
    except (UnicodeDecodeError, csv.Error):
        problem = f": its {INDEX} is no table in UTF-8"
    raise InputError(f"configuration: {key}{problem}") from None


def _size_in_folder(folder: str) -> int:
    with (Path(folder) / INDEX).open(encoding=UTF_8, newline="") as index:
        return _image_size(index)


def _size_in_archive(path: str) -> int:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.split("/")[-1] == INDEX]
        if len(names) != 1:
            raise InputError(f" does not hold one {INDEX}")
        with archive.open(names[0]) as index:
            return _image_size(io.TextIOWrapper(index, UTF_8, newline=""))


def _image_size(index: TextIO) -> int:
    row = next(csv.DictReader(index), {})
    if not IMAGE_SIZE.fullmatch(str(row.get("ih"))):
        raise InputError(f": its {INDEX} says no image size (column ih)")
    return int(row["ih"])


def _check_labelled(configuration: Configuration, image_size: int) -> None:
    """Check the layers to be dissected, and that each network sees the whole of the labelled images."""
    shown_to: list[str] = []
    if configuration.dissection is not None:
        _check_dissection(configuration, configuration.dissection)
        shown_to += resolution.networks_of(configuration, configuration.dissection)
    activations = configuration.activations
    if activations is not None and activations.manipulation is not None:
        shown_to += resolution.networks_of(configuration, activations)
    for name in shown_to:
        needed = resolution.preprocessing(configuration, name)["input_size"]
        if needed != image_size:
            raise InputError(
                f"configuration: the labelled images of broden have {image_size} pixels, but network {name!r} sees "
                f"{needed}; take the Broden of this size, or set networks.{name}.preprocessing.input_size"
            )


def _check_dissection(configuration: Configuration, dissection: Dissection) -> None:
    for name in resolution.networks_of(configuration, dissection):
        layers = resolution.convolutions(
            "dissection.layers", configuration, name, dissection.layers
        )
        wanted = dissection.rotations.layers if dissection.rotations is not None else None
        if isinstance(wanted, list):
            key = "dissection.rotations.layers"
            for layer in resolution.convolutions(key, configuration, name, wanted):
                if layer not in layers:
                    raise InputError(
                        f"configuration: {key}: {layer!r} is none of dissection.layers"
                    )


def _check_features(configuration: Configuration, features: Features) -> None:
    for name in resolution.networks_of(configuration, features):
        resolution.layers_with_features("features.layers", configuration, name, features.layers)
        size = resolution.preprocessing(configuration, name)["input_size"]
        coarsest = pyramid_sides(size, features.pyramid_levels, features.pyramid_scale)[0]
        if blur_reach(features.smoothing) >= coarsest:
            raise InputError(
                f"configuration: features.smoothing = {features.smoothing:g} is too much for the coarsest image of the "
                f"pyramid, {coarsest} pixels for network {name!r}; lower it, pyramid_levels or pyramid_scale"
            )


def _check_activations(configuration: Configuration, activations: Activations) -> None:
    images = configuration.stimuli[activations.stimuli].images
    if images.evaluation == 0:
        raise InputError(
            f"configuration: stimuli.{activations.stimuli}.images.evaluation is 0, but activations show this split"
        )
    categories = resolution.stimulus_categories(
        f"stimuli.{activations.stimuli}", configuration.stimuli[activations.stimuli]
    )
    if isinstance(activations.images, int) and activations.images > len(categories):
        raise InputError(
            f"configuration: activations.images = {activations.images} asks for images of as many categories, but "
            f"stimuli.{activations.stimuli} has {len(categories)}"
        )
    for name in resolution.networks_of(configuration, activations):
        resolution.convolutions("activations.layers", configuration, name, activations.layers)
        _check_size(configuration, name, activations.stimuli, "to which activations show it")


def _check_joined(configuration: Configuration, joined: Joined) -> None:
    images = configuration.stimuli[joined.stimuli].images
    needed = ["evaluation"] + ["extraction"] * (joined.concept_vectors is not None)
    for split in needed:
        if getattr(images, split) == 0:
            raise InputError(
                f"configuration: stimuli.{joined.stimuli}.images.{split} is 0, but joined needs it"
            )
    for name in resolution.networks_of(configuration, joined):
        _check_shown(configuration, name, "joined", joined.stimuli)
        dissection = configuration.dissection
        if dissection is not None and resolution.applies(dissection, name):
            known = dissected_layers(configuration, name, dissection)
            for layer in compared_layers(configuration, name, joined):
                if layer not in known:
                    raise InputError(
                        f"configuration: joined.layers: {layer!r} is none of dissection.layers of network {name!r}"
                    )


def _check_shown(configuration: Configuration, name: str, method: str, stimuli_name: str) -> None:
    """Check that a network can see a stimulus set: large enough images of categories that it knows."""
    stimuli = configuration.stimuli[stimuli_name]
    _check_size(configuration, name, stimuli_name, f"to which {method} show it")
    outputs = set(resolution.output_categories(configuration, name))
    for row in resolution.stimulus_categories(f"stimuli.{stimuli_name}", stimuli):
        if row.category not in outputs:
            raise InputError(
                f"configuration: {method}: network {name!r} has no output unit for category {row.category!r} of "
                f"stimuli.{stimuli_name}"
            )


def _check_size(configuration: Configuration, name: str, stimuli_name: str, use: str) -> None:
    """Check that the images of a set are not smaller than a network's input; `use` says why it sees them."""
    given = configuration.stimuli[stimuli_name].image_size
    needed = resolution.preprocessing(configuration, name)["input_size"]
    if given < needed:
        raise InputError(
            f"configuration: stimuli.{stimuli_name}.image_size = {given} is smaller than the input of network "
            f"{name!r} ({needed}), {use}"
        )
