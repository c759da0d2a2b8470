"""The jobs of the identity task: pictures, pairs, and for each network readout, selectivity and lesions."""

from pathlib import Path
from typing import Any

from anatomy.config import resolution
from anatomy.config.configuration import Configuration
from anatomy.config.identity import FolderIdentities, Identity, Localizer
from anatomy.stimuli.listing import trees_digest
from anatomy.stimuli.toybox.vocabulary import IDENTITY_KINDS

Spec = dict[str, Any]

PAIRS = ("training_pairs", "test_pairs", "folds", "seed")
READING = ("representations", "penalties", "seed")
LESIONS = (
    *("proportions", "noise_levels", "noise_proportions", "repeats"),
    *("random_draws", "resamples", "seed"),
)


def picture_specs(configuration: Configuration, plans_anew: bool) -> dict[str, Spec]:
    """The faces and houses, the images of the localizer, and the pairs to be told apart."""
    identities, identity = configuration.identities, configuration.identity
    if identities is None:
        return {}
    spec = identities.model_dump(mode="json")
    if isinstance(identities, FolderIdentities) and plans_anew:
        spec["files"] = trees_digest(Path(identities.folder), IDENTITY_KINDS)
    specs = {"identities": spec}
    if identity is None:
        return specs
    specs["identity_pairs"] = identity.model_dump(mode="json", include=set(PAIRS))
    if identity.localizer is not None:
        specs["localizer"] = _localizer_spec(identity.localizer, plans_anew)
    return specs


def identity_specs(configuration: Configuration, name: str, identity: Identity) -> dict[str, Spec]:
    """Everything about the identity task of one network."""
    compute = configuration.compute
    layer, readout = resolution.lesioned_and_read(configuration, name, identity)
    computed = {"network": name, "batch_size": compute.batch_size, "threads": compute.threads}

    def chosen(keys: tuple[str, ...]) -> Spec:
        return identity.model_dump(mode="json", include=set(keys))

    return {
        f"identity_readout/{name}": computed | chosen(READING) | {"readout": readout},
        f"unit_selectivity/{name}": computed
        | {
            "layers": [layer],
            "level": identity.level,
            "localizer": identity.localizer is not None,
        },
        f"identity_lesions/{name}": computed
        | chosen(LESIONS)
        | {"layer": layer, "readout": readout},
    }


def _localizer_spec(localizer: Localizer, plans_anew: bool) -> Spec:
    spec = localizer.model_dump(mode="json")
    if plans_anew:
        kinds = localizer.kinds
        named = (*kinds.face, *kinds.house, *kinds.other)
        spec["files"] = trees_digest(Path(localizer.folder), named)
    return spec
