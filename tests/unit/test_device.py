"""Jobs that run at the same time on one machine get different GPUs."""

import subprocess
import sys
import tempfile
from types import SimpleNamespace

import pytest
import torch

from anatomy import device
from anatomy.errors import InputError


@pytest.fixture
def two_gpus(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "pretended GPU")
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda i: SimpleNamespace(uuid=f"uuid-{i}")
    )
    return tmp_path


def test_without_a_gpu_the_cpu_serves():
    assert device.choose_device(0) == torch.device("cpu")
    if not torch.cuda.is_available():
        assert device.choose_device(1) == torch.device("cpu")


def test_each_job_gets_its_own(two_gpus):
    chosen = {device.choose_device(1).index, device.choose_device(1).index}
    assert chosen == {0, 1}


def test_a_gpu_held_by_another_process_is_passed_over(two_gpus):
    hold = (
        "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); "
        "print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, two_gpus / "anatomy-gpu-uuid-0.lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        holder.stdout.readline()
        assert device.choose_device(1).index == 1
    finally:
        holder.communicate()


def test_negative_requests_are_refused():
    with pytest.raises(InputError, match="-1 GPUs"):
        device.choose_device(-1)
