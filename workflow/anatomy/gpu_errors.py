"""Errors of a GPU, told from all others and said in one sentence. Loads no torch: steps that draw figures need none."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from anatomy.errors import InputError

# libraries run out of memory beside PyTorch's allocator, and say so in errors of other types
NO_MEMORY = re.compile("CUDA error: out of memory|CU(BLAS|DNN)_STATUS_ALLOC_FAILED")
FAILURE = re.compile(
    "(CUDA|CUDA driver|cuDNN) error|CUDA unknown error|CUDA driver initialization failed|No CUDA GPUs|no NVIDIA driver"
)
# an index out of range, which is a mistake in the program
OWN_MISTAKE = "device-side assert"
ON_THE_CPU = "--resources gpu=0 runs on the CPU"

_held = ["the GPU"]


def hold(gpu: str) -> None:
    """Note the GPU that this process uses, in words: one that has failed does not tell its name."""
    _held[0] = gpu


def held() -> str:
    """The GPU that this process uses, in words."""
    return _held[0]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the memory of a GPU did not suffice."""
    torch = sys.modules.get("torch")  # none of its errors comes up where it is not loaded
    return torch is not None and (
        isinstance(error, torch.OutOfMemoryError)
        or (isinstance(error, RuntimeError) and NO_MEMORY.search(str(error)) is not None)
    )


def is_failure(error: BaseException) -> bool:
    """Whether a GPU, its driver or one of its libraries has failed."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(error, RuntimeError) or OWN_MISTAKE in str(error):
        return False
    return isinstance(error, torch.AcceleratorError) or FAILURE.search(str(error)) is not None


@contextmanager
def gpu_errors() -> Iterator[None]:
    """Errors of a GPU come out as InputError, a sentence with what to do; all others as they are."""
    try:
        yield
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise InputError(
                f"{held()} has too little free memory ({_sentences(error)}); lower compute.batch_size "
                f"(networks.*.training.batch_size where a network is trained); {ON_THE_CPU}"
            ) from error
        if is_failure(error):
            raise InputError(
                f"{held()} failed ({_sentences(error)}); run the same command again; {ON_THE_CPU}"
            ) from error
        raise


def _sentences(error: BaseException) -> str:
    """The first sentences of the first line: how much memory was wanted, and how much there is."""
    line = (str(error) or type(error).__name__).splitlines()[0]
    return ". ".join(line.split(". ")[:3]).removesuffix(".")
