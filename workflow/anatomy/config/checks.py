"""Checks of a configuration against the world: files, folders, layers, categories and images.

They run before any job starts and import neither torch nor image libraries.
"""

from pathlib import Path

from anatomy.config import resolution
from anatomy.config.configuration import Configuration
from anatomy.config.methods import Circuits, Knockouts
from anatomy.config.stimuli import FOLDER_OF_SPLIT, SPLITS, FolderStimuli, Stimuli
from anatomy.errors import InputError
from anatomy.stimuli.folder import count_images

NEEDED_BY_CIRCUITS = ("scoring", "extraction", "evaluation")
FOLDERS = tuple(dict.fromkeys(FOLDER_OF_SPLIT.values()))


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


def check_stimuli(key: str, stimuli: Stimuli) -> None:
    """Check that the categories exist and have as many images as are asked for."""
    categories = resolution.stimulus_categories(key, stimuli)
    if not isinstance(stimuli, FolderStimuli):
        return
    if stimuli.resize < stimuli.image_size:
        raise InputError(
            f"configuration: {key}.resize = {stimuli.resize} is smaller than image_size = {stimuli.image_size}"
        )
    root = Path(stimuli.folder)
    if not root.is_dir():
        raise InputError(f"configuration: {key}.folder: {stimuli.folder!r} is not a folder")
    for folder in FOLDERS:
        splits = [split for split in SPLITS if FOLDER_OF_SPLIT[split] == folder]
        asked = sum(getattr(stimuli.images, split) for split in splits)
        for row in categories if asked else ():
            found = count_images(root, folder, row.category, at_least=asked)
            if found < asked:
                raise InputError(
                    f"configuration: {key}.images asks for {asked} images of category {row.category!r} "
                    f"({' + '.join(splits)}), but {root / folder / row.category} has {found}"
                )


def _check_network(configuration: Configuration, name: str) -> None:
    network = configuration.networks[name]
    resolution.architecture(configuration, name)
    resolution.output_categories(configuration, name)
    resolution.chosen_layers(
        "recordings.layers", configuration, name, configuration.recordings.layers
    )
    if network.training is not None:
        images = configuration.stimuli[network.training.stimuli].images
        for split in ("training", "evaluation"):
            if getattr(images, split) == 0:
                raise InputError(
                    f"configuration: stimuli.{network.training.stimuli}.images.{split} is 0, but network {name!r} "
                    "is trained with this set"
                )
    if (
        network.weights not in (None, "torchvision", "trained")
        and not Path(network.weights).is_file()
    ):
        raise InputError(
            f"configuration: networks.{name}.weights: {network.weights!r} is neither torchvision nor trained nor "
            "a file"
        )
    if network.weights == "torchvision" and network.architecture in (
        "bvlc_alexnet",
        "toybox_alexnet",
    ):
        raise InputError(
            f"configuration: networks.{name}.weights: torchvision has no weights for {network.architecture}"
        )


def _check_circuits(configuration: Configuration, circuits: Circuits) -> None:
    stimuli = configuration.stimuli[circuits.stimuli]
    for split in NEEDED_BY_CIRCUITS:
        if getattr(stimuli.images, split) == 0:
            raise InputError(
                f"configuration: stimuli.{circuits.stimuli}.images.{split} is 0, but circuits need it"
            )
    known = [
        r.category for r in resolution.stimulus_categories(f"stimuli.{circuits.stimuli}", stimuli)
    ]
    for category in circuits.categories or []:
        if category not in known:
            raise InputError(
                f"configuration: circuits.categories: {category!r} is not a category of stimuli."
                f"{circuits.stimuli}"
            )
    for name in circuits.networks or configuration.networks:
        _check_shown(configuration, name, "circuits", circuits.stimuli)


def _check_knockouts(configuration: Configuration, knockouts: Knockouts) -> None:
    evaluation = configuration.stimuli[knockouts.stimuli].images.evaluation
    asked = knockouts.images_per_category or 1
    if evaluation < asked:
        raise InputError(
            f"configuration: knockouts.images_per_category asks for {asked} evaluation images, but "
            f"stimuli.{knockouts.stimuli}.images.evaluation is {evaluation}"
        )
    for name in knockouts.networks or configuration.networks:
        resolution.chosen_layers("knockouts.layers", configuration, name, knockouts.layers)
        _check_shown(configuration, name, "knockouts", knockouts.stimuli)


def _check_shown(configuration: Configuration, name: str, method: str, stimuli_name: str) -> None:
    """Check that a network can see a stimulus set: large enough images of categories that it knows."""
    stimuli = configuration.stimuli[stimuli_name]
    size = resolution.preprocessing(configuration, name)["input_size"]
    if stimuli.image_size < size:
        raise InputError(
            f"configuration: stimuli.{stimuli_name}.image_size = {stimuli.image_size} is smaller than the input of "
            f"network {name!r} ({size}), which {method} shows it to"
        )
    outputs = set(resolution.output_categories(configuration, name))
    for row in resolution.stimulus_categories(f"stimuli.{stimuli_name}", stimuli):
        if row.category not in outputs:
            raise InputError(
                f"configuration: {method}: network {name!r} has no output unit for category {row.category!r} of "
                f"stimuli.{stimuli_name}"
            )
