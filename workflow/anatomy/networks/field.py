"""Receptive fields along one axis, and where they lie on a coarser grid. Needs no network."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from anatomy.errors import InputError

Number = int | Fraction


@dataclass(frozen=True)
class Field:
    """Receptive fields of the positions of a map along one axis, in pixels of the network's input.

    Whole numbers, except behind pooling or interpolation whose step is none, where they are exact fractions.

    Attributes
    ----------
    offset : first pixel that position 0 looks at; negative where that is padding
    size : how many pixels each position looks at
    step : distance between the fields of neighbouring positions
    """

    offset: Number
    size: Number
    step: Number

    @property
    def centre(self) -> Number:
        """The pixel in the middle of position 0's field; of an even number of pixels the upper one of the middle two.

        offset + size // 2 as in the published code of Bau, Zhou et al. (CVPR 2017).
        """
        return self.offset + self.size // 2

    def behind(self, earlier: "Field") -> "Field":
        """The field of a layer with this field that reads a map with the earlier one."""
        return Field(
            offset=self.offset * earlier.step + earlier.offset,
            size=(self.size - 1) * earlier.step + earlier.size,
            step=self.step * earlier.step,
        )

    def described(self) -> dict[str, str]:
        """The field in a form that can be stored, exactly."""
        return {"offset": str(self.offset), "size": str(self.size), "step": str(self.step)}

    @classmethod
    def from_described(cls, described: dict[str, str]) -> Self:
        """The field that was described."""
        return cls(**{name: Fraction(value) for name, value in described.items()})


def grid_centres(field: Field, reduction: int) -> tuple[int, Fraction]:
    """Where the positions of a map lie on a grid of 1/reduction of the image's size, along one axis.

    Returns
    -------
    The grid point of position 0 and the distance of neighbouring positions. The first is rounded down, as in the
    published code of Bau, Zhou et al. (CVPR 2017), which rounds the second, too; here it is exact.
    """
    if reduction < 1:
        raise InputError(f"a grid cannot have 1/{reduction} of the image's size")
    return field.centre // reduction, Fraction(field.step) / reduction
