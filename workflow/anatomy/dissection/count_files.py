"""Counts on disk: for every group of images, unit and concept, in a Zarr store with its manifest.

intersections  int32 (group, unit, code)      code = row of concepts.csv + 1
activations    int32 (group, unit, category)
truths         int32 (group, code)
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from anatomy.dissection.counts import Concepts, Counts
from anatomy.store import ArraySpec, StoreWriter, open_store, read_array, read_rows, row_blocks

UNITS_PER_CHUNK = 64
GROUPS_AT_ONCE = 10


def write_counts(
    path: Path,
    manifest: Path,
    provenance: Mapping[str, Any],
    number: int,
    units: int,
    concepts: Concepts,
    groups: Iterable[Counts],
) -> None:
    """Write the counts of one group of images after the other; `number` groups in all."""
    codes, categories = len(concepts.names), len(concepts.categories)
    specs = {
        "intersections": _spec(number, units, codes),
        "activations": _spec(number, units, categories),
        "truths": _spec(number, codes),
    }
    writer = StoreWriter(path, manifest, provenance, specs)
    start = 0
    for some in _batches(groups):
        rows = slice(start, start + len(some))
        stacked = {name: np.stack([getattr(counts, name) for counts in some]) for name in specs}
        writer.write(str(start), {name: (rows, array) for name, array in stacked.items()})
        start = rows.stop
    writer.finish()


def _batches(groups: Iterable[Counts]) -> Iterator[list[Counts]]:
    """Some groups at a time; the disk is waited for after each batch."""
    rest = iter(groups)
    while some := list(islice(rest, GROUPS_AT_ONCE)):
        yield some


class StoredCounts:
    """Counts of a finished store.

    Raises InputError when it was made from something else than expected.

    Attributes
    ----------
    groups : number of groups of images
    """

    def __init__(self, path: Path, manifest: Path, expected: Mapping[str, Any]) -> None:
        group = open_store(path, manifest, expected)
        self._arrays = {name: read_array(group, name) for name in group}
        self.groups = self._arrays["truths"].shape[0]

    def blocks(self) -> Iterator[Counts]:
        """Counts (group, ...) of some units after the other."""
        truths = read_rows(self._arrays["truths"], slice(None)).astype(np.int64)
        every = slice(None)
        for units in row_blocks(self._arrays["intersections"].shape[1], UNITS_PER_CHUNK):
            intersections, activations = (
                read_rows(self._arrays[name], (every, units, every))
                for name in ("intersections", "activations")
            )
            yield Counts(intersections, activations, truths)

    def total(self) -> Counts:
        """Sums over all images."""
        parts = [block.total() for block in self.blocks()]
        return Counts(
            np.concatenate([part.intersections for part in parts]),
            np.concatenate([part.activations for part in parts]),
            parts[0].truths,
        )


def _spec(*shape: int) -> ArraySpec:
    some_units = (min(UNITS_PER_CHUNK, shape[1]), shape[2]) if len(shape) == 3 else shape[1:]
    attributes = {"counts": "pixels"}
    return ArraySpec(shape, (1, *some_units), "int32", attributes, compression="quick")
