"""A GPU that is gone, has failed or is full is named in one sentence; a mistake of the program's own is not hidden."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch

from anatomy import device, gpu_errors
from anatomy.errors import InputError
from anatomy.networks.receptive_field import receptive_fields
from anatomy.steps.step import run_step

LOST = "CUDA error: unspecified launch failure\nCUDA kernel errors might be reported later"
FULL = (
    "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 10.00 GiB of which 1.00 GiB is "
    "free. Including non-PyTorch memory, this process has 9.00 GiB memory in use."
)


@pytest.fixture(autouse=True)
def gpu(monkeypatch):
    monkeypatch.setattr(gpu_errors, "_held", ["the GPU"])
    gpu_errors.hold("GPU 1, pretended,")


def said(error):
    with pytest.raises(InputError) as raised, gpu_errors.gpu_errors():
        raise error
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    "error",
    [
        torch.AcceleratorError(LOST),
        RuntimeError(LOST),
        RuntimeError("CUDA driver error: device not ready"),
        RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
        RuntimeError("No CUDA GPUs are available"),
        RuntimeError("CUDA unknown error - this may be due to an incorrectly set up environment"),
    ],
)
def test_a_failed_gpu_is_named_with_what_to_do(error):
    text = said(error)
    first = str(error).splitlines()[0]
    assert text == (
        f"GPU 1, pretended, failed ({first}); run the same command again; --resources gpu=0 runs on the CPU"
    )


@pytest.mark.parametrize(
    ("error", "first"),
    [
        (
            torch.OutOfMemoryError(FULL),
            "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 10.00 GiB of which "
            "1.00 GiB is free",
        ),
        (torch.AcceleratorError("CUDA error: out of memory\nSearch"), "CUDA error: out of memory"),
        (torch.OutOfMemoryError(), "OutOfMemoryError"),
    ],
)
def test_a_full_gpu_is_named_with_the_setting_to_lower(error, first):
    text = said(error)
    assert text.startswith(f"GPU 1, pretended, has too little free memory ({first}); lower")
    assert "compute.batch_size" in text


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        RuntimeError("Expected all tensors to be on the same device, cuda:0 and cpu!"),
        torch.AcceleratorError("CUDA error: device-side assert triggered"),
        ValueError("CUDA error: said by something else"),
        InputError("results/a.zarr: a chunk cannot be read"),
        KeyboardInterrupt(),
    ],
)
def test_other_errors_pass_as_they_are(error):
    with pytest.raises(type(error)) as raised, gpu_errors.gpu_errors():
        raise error
    assert raised.value is error


def test_a_step_on_a_lost_gpu_ends_with_the_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("spec.json").write_text("{}")
    monkeypatch.setattr(sys, "argv", ["step", "spec.json", "--record", "r.json"])

    def work(_job):
        raise torch.AcceleratorError(LOST)

    with pytest.raises(SystemExit) as stopped:
        run_step(work)
    assert stopped.value.code.startswith("error: GPU 1, pretended, failed (CUDA error:")
    assert not Path("r.json").exists()


def test_a_full_gpu_says_nothing_about_receptive_fields(monkeypatch):
    """Otherwise the pixels of top images would stay empty, as those of networks without known fields."""
    part = torch.fx.symbolic_trace(torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3)))

    def full(*_, **__):
        raise torch.OutOfMemoryError(FULL)

    monkeypatch.setattr(torch.nn.functional, "conv2d", full)
    with pytest.raises(torch.OutOfMemoryError):
        receptive_fields(part, ["_0"], 16)


# --- a GPU that goes between the start and the claim


def test_a_gpu_that_is_gone_when_it_is_claimed_is_an_error_and_no_endless_wait(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(device.time, "sleep", lambda _: pytest.fail("waited"))
    with pytest.raises(InputError, match="no GPU any more; run the same command again"):
        device.choose_device(1)


def test_a_gpu_whose_driver_fails_when_it_is_claimed_is_an_error(monkeypatch):
    def fail(_):
        raise RuntimeError("No CUDA GPUs are available")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", fail)
    with pytest.raises(InputError, match="failed"), gpu_errors.gpu_errors():
        device.choose_device(1)


def test_with_no_visible_gpu_the_cpu_serves_and_the_log_says_why(monkeypatch, caplog):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with caplog.at_level("INFO"):
        assert device.choose_device(1) == torch.device("cpu")
    assert caplog.messages[0].endswith("(CUDA finds no GPU; CUDA_VISIBLE_DEVICES is '')")


def test_steps_without_torch_stay_without_it():
    code = "import sys, anatomy.steps.step; sys.exit('torch' in sys.modules)"
    command = [sys.executable, "-c", code]
    assert (
        subprocess.run(
            command, env={"PYTHONPATH": str(Path(device.__file__).parents[1])}
        ).returncode
        == 0
    )
