"""Weights from a file, checked by name and shape and never executed."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from anatomy.canonical import digest
from anatomy.errors import InputError


def read_weights(path: Path) -> dict[str, Tensor]:
    """A state_dict from a safetensors file, or from a PyTorch file read with weights_only=True.

    Raises InputError, naming the file, when it cannot be read, holds anything but tensors, or would run code.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(f"weights file {path} does not exist") from error
    except pickle.UnpicklingError as error:
        raise InputError(
            f"weights file {path} holds more than tensors and is refused, because reading it could run code; "
            "save it as a plain state_dict or as safetensors"
        ) from error
    except (SafetensorError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise InputError(f"weights file {path} cannot be read: {error}") from error
    return _plain_state(path, state)


def _plain_state(path: Path, state: Any) -> dict[str, Tensor]:
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise InputError(f"weights file {path} is not a state_dict (name -> tensor)")
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}


def load_weights(model: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Put weights into a network after checking every name and shape.

    Raises InputError that names `source` and the first names that are missing, unexpected or of another shape.
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
    if problems:
        more = f", and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise InputError(f"{source} does not fit the network: {'; '.join(problems[:3])}{more}")
    bad = [name for name, tensor in given.items() if not _is_finite(tensor)]
    if bad:
        raise InputError(f"{source}: {bad[0]} holds values that are not finite")
    model.load_state_dict(dict(given), strict=False)


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
