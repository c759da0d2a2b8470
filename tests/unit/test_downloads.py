"""What happens where there is no internet."""

from urllib.error import URLError

import pytest
import torchvision

from anatomy.errors import InputError
from anatomy.steps.network import _downloaded


def test_weights_that_cannot_be_downloaded_are_named(monkeypatch):
    def no_network(*_args, **_options):
        raise URLError("no route to host")

    monkeypatch.setattr(torchvision.models.AlexNet_Weights, "get_state_dict", no_network)
    with pytest.raises(InputError, match=r"alexnet could not be downloaded.*give its path"):
        _downloaded("alexnet")
