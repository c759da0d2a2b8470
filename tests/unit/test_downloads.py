"""torchvision's weights: downloaded by a step of their own, and what happens where there is no internet."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
import torchvision

from anatomy.canonical import canonical, file_digest
from anatomy.errors import InputError
from anatomy.networks.network import new_model
from anatomy.networks.pretrained import download_weights
from anatomy.networks.weights import load_weights, read_weights
from anatomy.steps import weights as step


@pytest.fixture
def served(tmp_path, monkeypatch):
    """SqueezeNet's weights where torchvision would look for them; returns the file."""
    network = new_model("squeezenet1_1", 1000, 0)
    plain = tmp_path / "plain.pth"
    torch.save(network.state_dict(), plain)
    file = plain.rename(tmp_path / f"squeezenet-{file_digest(plain)[:8]}.pth")

    def weights_of(_architecture):
        return SimpleNamespace(DEFAULT=SimpleNamespace(url=file.as_uri()))

    monkeypatch.setattr(torchvision.models, "get_model_weights", weights_of)
    return file


def test_weights_are_downloaded_and_can_be_read(served, tmp_path):
    path = tmp_path / "downloads" / "squeezenet1_1.pth"
    path.parent.mkdir()
    job = SimpleNamespace(spec={"architecture": "squeezenet1_1"}, path=lambda _name: path)
    step.main(job)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == served.read_bytes()
    load_weights(new_model("squeezenet1_1", 1000, 1), read_weights(path), "the download")


def test_a_damaged_download_is_refused_and_nothing_is_left(served, tmp_path):
    served.write_bytes(served.read_bytes()[:-1])
    path = tmp_path / "downloads" / "squeezenet1_1.pth"
    path.parent.mkdir()
    with pytest.raises(InputError, match=r"squeezenet1_1 could not be downloaded \(invalid hash"):
        download_weights("squeezenet1_1", path)
    assert not any(path.parent.iterdir())


def test_without_a_network_the_step_ends_with_one_sentence(tmp_path):
    """As on a machine without internet: a proxy that nobody answers."""
    spec = tmp_path / "alexnet.json"
    spec.write_text(canonical({"architecture": "alexnet"}))
    command = [
        sys.executable,
        "-m",
        "anatomy.steps.weights",
        str(spec),
        "--weights",
        "w/alexnet.pth",
    ]
    done = subprocess.run(
        [*command, "--record", "record.json"],
        cwd=tmp_path,
        env={"https_proxy": "http://127.0.0.1:9", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "error: torchvision's weights of alexnet could not be downloaded" in done.stderr
    url = torchvision.models.AlexNet_Weights.DEFAULT.url
    assert f"get {url} elsewhere and give the path of the file as networks.*.weights" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "record.json").exists()
    assert not any((tmp_path / "w").iterdir())
