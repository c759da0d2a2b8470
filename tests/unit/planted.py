"""A network whose weights a test has set by hand, as steps find it on disk."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from torch import nn
from torch_settings import torch_as_it_was

from anatomy.networks import architectures
from anatomy.networks.network import save_network
from anatomy.networks.preprocessing import Preprocessing


@contextmanager
def planted_network(
    folder: Path,
    model: Callable[[int], nn.Module],
    plant: Callable[[nn.Module], nn.Module],
    size: int,
    categories: Sequence[str],
) -> Iterator[None]:
    """The architecture "planted" is known inside, and its planted network is saved in the folder.

    Parameters
    ----------
    model : from a number of outputs to a network
    plant : sets its weights
    size : side of its input, pixels; pixels are divided by 255 and no more
    """
    own = architectures.OwnArchitecture(model, size, (0.0,) * 3, (1.0,) * 3)
    with pytest.MonkeyPatch.context() as patch, torch_as_it_was():
        patch.setitem(architectures.OWN, "planted", own)
        preprocessing = Preprocessing(input_size=size, mean=own.mean, std=own.std)
        network = plant(model(len(categories)))
        save_network(folder, "planted", network, preprocessing, categories)
        yield
