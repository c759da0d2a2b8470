"""The one place where a step's device and number of threads are chosen."""

import logging

import torch

from anatomy.errors import InputError

log = logging.getLogger(__name__)


def choose_device(gpus: int) -> torch.device:
    """CUDA when the job was given a GPU and the machine has one, otherwise the CPU.

    A GPU request on a machine without CUDA runs the same step on the CPU, which the log says.
    """
    if gpus < 0:
        raise InputError(f"a job cannot use {gpus} GPUs")
    if gpus and torch.cuda.is_available():
        log.info("device: %s", torch.cuda.get_device_name(0))
        return torch.device("cuda", 0)
    log.info("device: CPU, %d threads", torch.get_num_threads())
    return torch.device("cpu")


def make_deterministic(threads: int) -> None:
    """Fix the number of threads and choose deterministic kernels, so that results repeat exactly.

    Sums depend on how they are split among threads, so the number is a setting of the step.
    """
    torch.set_num_threads(threads)
    # CUDA has no deterministic gradient of AdaptiveAvgPool2d, which AlexNet and VGG hold: there the log has a warning
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    # reduced precision would make results depend on the kind of GPU
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
