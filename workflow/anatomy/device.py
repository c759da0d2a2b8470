"""The one place where a step's device and number of threads are chosen."""

import fcntl
import logging
import os
import tempfile
import time
from pathlib import Path

import torch

from anatomy.errors import InputError
from anatomy.gpu_errors import ON_THE_CPU, hold

log = logging.getLogger(__name__)

SECONDS_BETWEEN_TRIES = 1.0
VISIBLE = "CUDA_VISIBLE_DEVICES"


def choose_device(gpus: int) -> torch.device:
    """A GPU of the job's own when it was given one and the machine has any, otherwise the CPU.

    Snakemake counts GPUs but does not say which one a job may use, so jobs claim them here: each waits until one is
    free and holds it until its process ends. A GPU request on a machine without CUDA runs the same step on the CPU.

    Raises
    ------
    InputError
        if the machine had a GPU a moment ago and has none now
    """
    if gpus < 0:
        raise InputError(f"a job cannot use {gpus} GPUs")
    if gpus and torch.cuda.is_available():
        index = _claim_gpu()
        gpu = f"GPU {index}, {torch.cuda.get_device_name(index)},"
        hold(gpu)
        log.info("device: %s", gpu.rstrip(","))
        return torch.device("cuda", index)
    log.info("device: CPU, %d threads%s", torch.get_num_threads(), _why_no_gpu() if gpus else "")
    return torch.device("cpu")


def _why_no_gpu() -> str:
    """For the log of a job that may use a GPU and does not."""
    visible = os.environ.get(VISIBLE)
    return " (CUDA finds no GPU" + (")" if visible is None else f"; {VISIBLE} is {visible!r})")


def make_deterministic(threads: int) -> None:
    """Fix the number of threads and choose deterministic kernels, so that results repeat exactly.

    Sums depend on how they are split among threads, so the number is a setting of the step.
    """
    torch.set_num_threads(threads)
    # cuBLAS reads this when it is first used, and refuses to be deterministic without it
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    # CUDA has no deterministic gradient of AdaptiveAvgPool2d, which AlexNet and VGG hold: there the log has a warning
    torch.use_deterministic_algorithms(True, warn_only=True)
    # nothing here reads memory before it is written; filling it first takes up to a fifth of a step's time
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
    # reduced precision would make results depend on the kind of GPU
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def _claim_gpu() -> int:
    while True:
        count = torch.cuda.device_count()
        if not count:
            raise InputError(
                f"CUDA finds no GPU any more; run the same command again; {ON_THE_CPU}"
            )
        for index in range(count):
            if _claimed(str(torch.cuda.get_device_properties(index).uuid)):
                return index
        time.sleep(SECONDS_BETWEEN_TRIES)


def _claimed(uuid: str) -> bool:
    """Claim the GPU of that identifier (its index differs between jobs of a cluster) for this process."""
    path = Path(tempfile.gettempdir(), f"anatomy-gpu-{uuid}.lock")
    # another user's file can be read, and locked, but not opened for creating
    flags = os.O_RDONLY if path.exists() else os.O_RDONLY | os.O_CREAT
    # never closed on purpose: the claim ends with the process
    descriptor = os.open(path, flags, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    return True
