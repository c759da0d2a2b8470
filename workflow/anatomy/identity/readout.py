"""The readout of the identity task: does a network's response to two images tell that they show the same identity?"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, Self, get_args
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from anatomy.errors import InputError
from anatomy.whole_files import whole

Representation = Literal["absolute_difference", "squared_difference", "product", "both"]
REPRESENTATIONS: tuple[str, ...] = get_args(Representation)
# Representations that are others side by side
PARTS = {"both": ("absolute_difference", "product")}


def represent(
    representation: str,
    features_a: NDArray[np.floating],
    features_b: NDArray[np.floating],
    centre: NDArray[np.floating],
) -> NDArray[np.floating]:
    """What of a pair of images the readout sees; the order of the two images makes no difference.

    Parameters
    ----------
    representation : absolute_difference |a - b|; squared_difference (a - b)^2; product (a - centre) (b - centre),
        whose sum over features is a covariance; both: absolute differences, then products
    features_a, features_b : (pair, feature), of the first and of the second image of each pair
    centre : (feature,) mean response to the training images

    Returns
    -------
    (pair, dimension): a dimension for each feature, two for `both`

    Raises
    ------
    InputError
        for an unknown representation
    """
    if representation == "absolute_difference":
        return np.abs(features_a - features_b)
    if representation == "squared_difference":
        return np.square(features_a - features_b)
    if representation == "product":
        return (features_a - centre) * (features_b - centre)
    if representation in PARTS:
        parts = [represent(part, features_a, features_b, centre) for part in PARTS[representation]]
        return np.concatenate(parts, axis=1)
    known = ", ".join(REPRESENTATIONS)
    raise InputError(f"representation {representation!r} is not one of {known}")


@dataclass(frozen=True, eq=False)
class Readout:
    """A linear readout of pairs of images: same identity, or different ones.

    Attributes
    ----------
    layer : name of the layer whose responses are the features, flattened in the order of channel, row, column
    representation : of a pair, see `represent`
    centre : (feature,) mean of the features over the training pairs' images
    mean, scale : (dimension,) mean and standard deviation of the represented training pairs; 1 where they are all
        equal
    weights : (dimension,) of the standardised representation
    bias : the decision is "same" where weights . standardised representation + bias is above 0
    """

    layer: str
    representation: str
    centre: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: float

    def represent(
        self, features_a: NDArray[np.floating], features_b: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Standardised representation (pair, dimension) from the features (pair, feature) of both images."""
        pairs = represent(self.representation, features_a, features_b, self.centre)
        return (pairs - self.mean) / self.scale

    def evidence(
        self, features_a: NDArray[np.floating], features_b: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Log odds (pair,) of "same" from the features (pair, feature) of both images."""
        return self.represent(features_a, features_b) @ self.weights + self.bias

    def decide(
        self, features_a: NDArray[np.floating], features_b: NDArray[np.floating]
    ) -> NDArray[np.bool_]:
        """Whether the readout calls the two images of each pair (pair,) the same identity; a tie is no "same"."""
        return self.evidence(features_a, features_b) > 0

    def save(self, path: Path) -> None:
        """Write the readout as an NPZ file of plain arrays, atomically."""
        with whole(path) as partial, partial.open("wb") as file:
            np.savez(file, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; InputError names a file that is something else."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                values = {field.name: stored[field.name] for field in fields(cls)}
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise InputError(f"{path}: is not a readout ({error})") from error
        scalars = {name: values.pop(name).item() for name in ("layer", "representation", "bias")}
        return cls(**scalars, **values)
