"""Batches of images in halves, quarters and so on, where the memory of a GPU does not suffice for all of them at once.

What a network makes of an image depends on no other image, so the parts of a batch together are the batch. Nothing is
done where the memory suffices: then a batch passes as it is.
"""

import gc
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anatomy.errors import InputError
from anatomy.gpu_errors import ON_THE_CPU, held, is_out_of_memory

log = logging.getLogger(__name__)

WARNING = "%s has too little free memory for %d images at once, but enough for %d: compute.batch_size could be lowered"


class Halving:
    """Calls functions of a batch of images on as many of them at once as the GPU has memory for.

    How many that are is remembered for the batches that follow, so one object should serve all batches of a kind.
    """

    def __init__(self) -> None:
        self._most: int | None = None

    def __call__(self, compute: Callable[..., Any], *batch: Any) -> Any:
        """What `compute` returns for a batch.

        Parameters
        ----------
        compute : may be called again for the same images
        batch : arguments of `compute`: arrays, tensors, or mappings of them, all with the first axis image

        Returns
        -------
        what `compute` returns: arrays or tensors with the first axis image, or mappings, tuples or lists of them (of
        several parts lists), or None

        Raises
        ------
        InputError
            if the memory does not suffice for one image
        """
        return _joined([*self.parts(compute, *batch)])

    def parts(self, compute: Callable[..., Any], *batch: Any) -> Iterator[Any]:
        """What `compute` returns for consecutive parts of a batch, one after the other: results of any kind."""
        images, done, refused = len(_first_array(batch[0])), 0, 0
        while done < images:
            size = min(self._most or images, images - done)
            part = batch if size == images else [_cut(own, done, size) for own in batch]
            found = _attempt(compute, part)
            if found is None:
                refused = refused or size
                self._halve(size)
                continue
            if refused:
                log.warning(WARNING, held(), refused, size)
                refused = 0
            yield found[0]
            done += size

    def _halve(self, size: int) -> None:
        # only now: while the error is handled, it holds on to what the attempt has computed
        gc.collect()
        torch.cuda.empty_cache()
        if size == 1:
            raise InputError(
                f"{held()} has too little free memory for one image at a time, so that a lower compute.batch_size does "
                f"not help: free its memory or take a larger one; {ON_THE_CPU}"
            )
        self._most = size // 2


def _attempt(compute: Callable[..., Any], batch: Any) -> tuple[Any] | None:
    """What `compute` returns, or None where the memory does not suffice."""
    try:
        return (compute(*batch),)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return None


def _first_array(own: Any) -> Any:
    return next(iter(own.values())) if isinstance(own, Mapping) else own


def _cut(own: Any, start: int, size: int) -> Any:
    """Consecutive images of an argument."""
    if isinstance(own, Mapping):
        return {name: _cut(values, start, size) for name, values in own.items()}
    return own[start : start + size]


def _joined(parts: list[Any]) -> Any:
    """One result from those of consecutive parts."""
    first = parts[0]
    if len(parts) == 1 or first is None:
        return first
    if isinstance(first, Mapping):
        return {name: _joined([part[name] for part in parts]) for name in first}
    if isinstance(first, tuple | list):
        return [_joined([*own]) for own in zip(*parts, strict=True)]
    return torch.cat(parts) if isinstance(first, Tensor) else np.concatenate(parts)
