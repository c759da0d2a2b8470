"""Weights from a file, checked by name and shape and never executed."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from anatomy.canonical import digest
from anatomy.errors import InputError

# numbers that a network of float32 can take over: others are quantised, and mean something else
FLOATING = ("float16", "bfloat16", "float32", "float64")


def read_weights(path: Path) -> dict[str, Tensor]:
    """A state_dict from a safetensors file, or from a PyTorch file read with weights_only=True.

    Raises InputError, naming the file, when it cannot be read, holds anything but tensors, or would run code.
    """
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(f"weights file {path} does not exist") from error
    except pickle.UnpicklingError as error:
        raise InputError(
            f"weights file {path} holds more than tensors, or is damaged, and is refused, because reading it could run "
            "code; save it as a plain state_dict or as safetensors"
        ) from error
    # damaged files are met with errors of a dozen types
    except Exception as error:
        raise InputError(f"weights file {path} cannot be read: {_first_line(error)}") from error
    return _plain_state(path, state)


def _first_line(error: Exception) -> str:
    """Of an error's message; PyTorch adds lines about itself."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def _plain_state(path: Path, state: Any) -> dict[str, Tensor]:
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in state.items()
    ):
        raise InputError(f"weights file {path} is not a state_dict (name -> tensor)")
    # what a network wrapped for several GPUs is saved with
    plain = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    if len(plain) < len(state):
        raise InputError(f"weights file {path} holds weights twice, with and without 'module.'")
    return plain


def load_weights(model: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Put weights into a network after checking every name and shape.

    Raises InputError that names `source` and the first names that are missing, unexpected, of another shape or not of
    floating-point numbers.
    """
    wanted = {
        name: tensor
        for name, tensor in model.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    given = {n: t for n, t in state.items() if not n.endswith("num_batches_tracked")}
    problems = [f"{name} is missing" for name in wanted if name not in given]
    problems += [f"{name} is unexpected" for name in given if name not in wanted]
    problems += [
        f"{name} has shape {tuple(given[name].shape)}, the network needs {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in given and given[name].shape != tensor.shape
    ]
    problems += [
        f"{name} holds {_kind(given[name])}, not floating-point numbers"
        for name in wanted
        if name in given and _kind(given[name]) not in FLOATING
    ]
    if problems:
        more = f", and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise InputError(f"{source} does not fit the network: {'; '.join(problems[:3])}{more}")
    bad = [name for name, tensor in given.items() if not _is_finite(tensor)]
    if bad:
        raise InputError(f"{source}: {bad[0]} holds values that are not finite")
    model.load_state_dict(dict(given), strict=False)


def _kind(tensor: Tensor) -> str:
    """Type of a tensor's numbers, e.g. "float32"; of a tensor without plain numbers its layout or device."""
    if tensor.layout != torch.strided or tensor.is_meta:
        return "no values" if tensor.is_meta else str(tensor.layout).removeprefix("torch.")
    return str(tensor.dtype).removeprefix("torch.")


def _is_finite(tensor: Tensor) -> bool:
    """Whether all values are finite, found without a temporary of the tensor's size."""
    return not tensor.numel() or all(bool(torch.isfinite(end)) for end in torch.aminmax(tensor))


def state_digest(state: Mapping[str, Tensor]) -> str:
    """Digest of all names, shapes, dtypes and values."""
    return digest(
        {
            name: [str(t.dtype), list(t.shape), digest(t.cpu().contiguous().numpy().tobytes())]
            for name, t in state.items()
        }
    )
