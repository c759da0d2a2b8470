"""Facts that follow from the configuration and the files it names, found without torch."""

import json
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from anatomy.config.base import Section
from anatomy.config.category_rows import (
    IMAGENET_TABLE,
    CategoryRow,
    chosen_rows,
    table_path,
    table_rows,
)
from anatomy.config.configuration import Configuration
from anatomy.config.given_architectures import (
    PREPROCESSING,
    GivenArchitecture,
    given_architecture,
    is_given,
    layers_of,
)
from anatomy.config.identity import Identity
from anatomy.config.methods import LayerNames
from anatomy.config.networks import Network
from anatomy.errors import InputError
from anatomy.stimuli.sources import Source

LAYER_TABLE = Path(__file__).parents[1] / "networks" / "layers.json"


@cache
def layer_table() -> dict[str, Any]:
    """Architecture -> default preprocessing and layers; see anatomy.networks.layer_table."""
    return json.loads(LAYER_TABLE.read_text(encoding="utf-8"))


def stimulus_categories(key: str, stimuli: Source) -> list[CategoryRow]:
    """The categories of a stimulus set, in order, with names and super-categories."""
    rows, wanted = stimuli.known_categories(key), stimuli.wanted_categories()
    return rows if wanted is None else chosen_rows(f"{key}.categories", wanted, rows)


def origin(configuration: Configuration, name: str) -> tuple[str, Network]:
    """Name and section of the network itself, or of the one that it is the untrained twin of."""
    network = configuration.networks[name]
    twin = network.untrained_twin_of
    return (name, network) if twin is None else (twin, configuration.networks[twin])


def applies(section: Section, name: str) -> bool:
    """Whether a method is applied to a network."""
    return section.networks is None or name in section.networks


def networks_of(configuration: Configuration, section: Section | None) -> list[str]:
    """The networks that a method is applied to; none where there is no such section."""
    return [] if section is None else [n for n in configuration.networks if applies(section, n)]


def given(configuration: Configuration, name: str) -> GivenArchitecture | None:
    """Architecture of a network, where it stands in a file of the user's."""
    owner, network = origin(configuration, name)
    if not is_given(network.architecture):
        return None
    try:
        return given_architecture(network.architecture)
    except InputError as error:
        raise InputError(f"configuration: networks.{owner}.architecture: {error}") from None


def stimuli_shown(configuration: Configuration, name: str, methods: Sequence[str]) -> list[str]:
    """The stimulus sets that some methods show to a network, each once."""
    sections = [getattr(configuration, method) for method in methods]
    return list(
        dict.fromkeys(
            section.stimuli
            for section in sections
            if section is not None and applies(section, name)
        )
    )


def architecture(configuration: Configuration, name: str) -> dict[str, str]:
    """What a network is built from, as its spec has it."""
    own = given(configuration, name)
    _, network = origin(configuration, name)
    return {"architecture": network.architecture} if own is None else own.settings


def known_architecture(configuration: Configuration, name: str) -> dict[str, Any]:
    """Entry of the table of layers for the architecture of a network that is not in a file of the user's."""
    owner, network = origin(configuration, name)
    if network.architecture not in layer_table():
        raise InputError(
            f"configuration: networks.{owner}.architecture: {network.architecture!r} is unknown; there are "
            "toybox_alexnet, bvlc_alexnet, torchvision's classifiers (alexnet, resnet50, ...) and functions in "
            "files of your own (path/to/file.py:name)"
        )
    return layer_table()[network.architecture]


def is_torchvision(configuration: Configuration, name: str) -> bool:
    """Whether torchvision has the architecture of a network, and weights for it."""
    if given(configuration, name) is not None:
        return False
    return known_architecture(configuration, name)["torchvision"]


def layers(configuration: Configuration, name: str) -> list[tuple[str, str]]:
    """(name, kind) of all layers of a network, in network order."""
    own = given(configuration, name)
    if own is None:
        return [tuple(layer) for layer in known_architecture(configuration, name)["layers"]]
    outputs = len(output_rows(configuration, name))
    try:
        return list(layers_of(own, outputs, preprocessing(configuration, name)["input_size"]))
    except InputError as error:
        owner, _ = origin(configuration, name)
        raise InputError(f"configuration: networks.{owner}.architecture: {error}") from None


def chosen_layers(
    key: str, configuration: Configuration, name: str, wanted: LayerNames
) -> list[str]:
    """The layers asked for that a network has, in network order.

    Networks of different architectures share the list, so each layer must exist in one of them, and each network must
    have one of the layers; InputError names what is missing.
    """
    known = [layer for layer, _ in layers(configuration, name)]
    if wanted == "all":
        return known
    found = [layer for layer in known if layer in wanted]
    everywhere = _layers_of_all(configuration)
    missing = next((layer for layer in wanted if layer not in everywhere), None)
    if missing is None and not found:
        missing = wanted[0]
    if missing is not None:
        raise InputError(
            f"configuration: {key}: network {name!r} has no layer {missing!r}; its layers are {', '.join(known)}"
        )
    return found


def _layers_of_all(configuration: Configuration) -> set[str]:
    return {
        layer for network in configuration.networks for layer, _ in layers(configuration, network)
    }


def hidden_layers(
    key: str, configuration: Configuration, name: str, wanted: LayerNames
) -> list[str]:
    """As `chosen_layers`, but `all` leaves out the output layer, and naming it is an error."""
    output = layers(configuration, name)[-1][0]
    chosen = chosen_layers(key, configuration, name, wanted)
    if wanted != "all" and output in chosen:
        raise InputError(
            f"configuration: {key}: {output!r} is the output layer of network {name!r}; its units are the categories"
        )
    return [layer for layer in chosen if layer != output]


def convolutions(
    key: str, configuration: Configuration, name: str, wanted: LayerNames
) -> list[str]:
    """As `chosen_layers`, but `all` stands for the convolutions, and naming another layer is an error."""
    kinds = dict(layers(configuration, name))
    chosen = chosen_layers(key, configuration, name, wanted)
    others = [layer for layer in chosen if kinds[layer] != "convolution"]
    if wanted != "all" and others:
        raise InputError(
            f"configuration: {key}: {others[0]!r} of network {name!r} is no convolution; its responses have no "
            "places in the image"
        )
    return [layer for layer in chosen if layer not in others]


def layers_with_features(
    key: str, configuration: Configuration, name: str, wanted: LayerNames
) -> list[str]:
    """As `chosen_layers`, but `all` stands for convolutions and the output layer, and naming another is an error."""
    known = layers(configuration, name)
    output = known[-1][0]
    chosen = chosen_layers(key, configuration, name, wanted)
    others = [layer for layer in chosen if layer != output and dict(known)[layer] != "convolution"]
    if wanted != "all" and others:
        raise InputError(
            f"configuration: {key}: {others[0]!r} of network {name!r} is neither a convolution nor the output layer"
        )
    return [layer for layer in chosen if layer not in others]


def lesioned_and_read(
    configuration: Configuration, name: str, identity: Identity
) -> tuple[str, str]:
    """The layer that the identity task lesions, and the one behind it that is read out."""
    hidden = hidden_layers("identity.layer", configuration, name, "all")
    (layer,) = hidden_layers("identity.layer", configuration, name, [identity.layer])
    if identity.readout is None:
        readout = hidden[-1]
    else:
        (readout,) = hidden_layers("identity.readout", configuration, name, [identity.readout])
    if hidden.index(readout) < hidden.index(layer):
        raise InputError(
            f"configuration: identity.readout: {readout!r} lies before identity.layer = {layer!r} in network {name!r}, "
            "so that no lesion could reach it"
        )
    return layer, readout


def recorded_layers(configuration: Configuration, name: str) -> list[str]:
    """Those of `recordings.layers` that a network has, in network order.

    Networks of different architectures share the list, so each layer must exist in one of them, not in all.
    """
    wanted = configuration.recordings.layers
    known = [layer for layer, _ in layers(configuration, name)]
    if wanted == "all":
        return known
    everywhere = _layers_of_all(configuration)
    for layer in wanted:
        if layer not in everywhere:
            raise InputError(
                f"configuration: recordings.layers: no network has a layer {layer!r}; those of {name!r} are "
                f"{', '.join(known)}"
            )
    return [layer for layer in known if layer in wanted]


def output_rows(configuration: Configuration, name: str) -> list[CategoryRow]:
    """The category of each output unit of a network, in output order."""
    owner, network = origin(configuration, name)
    if network.training is not None:
        stimuli = network.training.stimuli
        return stimulus_categories(f"stimuli.{stimuli}", configuration.stimuli[stimuli])
    key = f"networks.{owner}.outputs"
    path = IMAGENET_TABLE if network.outputs is None else table_path(network.outputs)
    rows = table_rows(key, path)
    by_output = {row.output: row for row in rows}
    if sorted(by_output, key=lambda o: -1 if o is None else o) != list(range(len(rows))):
        raise InputError(
            f"configuration: {key}: {path} must number the outputs 0 to {len(rows) - 1}, each once"
        )
    return [by_output[output] for output in range(len(rows))]


def output_categories(configuration: Configuration, name: str) -> list[str]:
    """Names of the categories of a network's output units, in output order."""
    return [row.category for row in output_rows(configuration, name)]


def distinct_names(rows: Sequence[CategoryRow]) -> dict[str, str]:
    """Category -> what people call it: its name, with the category behind it where two have the same name."""
    counts = Counter(row.name for row in rows)
    return {
        row.category: row.name if counts[row.name] == 1 else f"{row.name} ({row.category})"
        for row in rows
    }


def preprocessing(configuration: Configuration, name: str) -> dict[str, Any]:
    """Preprocessing of a network: the usual one of its architecture, with what the configuration overrides."""
    _, network = origin(configuration, name)
    own = is_given(network.architecture)
    entry = PREPROCESSING if own else known_architecture(configuration, name)
    usual = {key: entry[key] for key in PREPROCESSING}
    return usual | network.preprocessing.model_dump(mode="json", exclude_none=True)
