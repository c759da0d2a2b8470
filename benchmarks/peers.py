"""The project's steps beside what one would otherwise use, and beside the machine's limits, in one run.

    python benchmarks/peers.py [--weights FILE] [--photographs FOLDER] [--threads 2] [--quick] [--only NAME ...]

AlexNet of torchvision with random weights, or FILE's, and pictures of the toybox, or photographs from FOLDER, which
holds a folder for each category. Both sides of a comparison are given the same network, the same input in the same
memory order (channels last, which most scripts would not think of) and the same number of threads, each in a process of
its own. Prints Markdown tables for docs/performance.md; what is not installed is left out with a sentence.

    scores         Captum's LayerGradientXActivation
    unit_lesions   Captum's LayerFeatureAblation
    masks          torch.nn.utils.prune.global_unstructured
    recordings     forward hooks and np.memmap; thingsvision
    reduction      scikit-learn; faiss (pip install faiss-cpu)
    knockouts      a plain script: there is no package
    dissection     a plain script: there is no package

If other processes use the same cores, set OMP_WAIT_POLICY=PASSIVE in the environment.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from children import in_own_process
from comparisons import dissection, knockouts, masks, recordings, reduction, scores, unit_lesions
from machine_limits import Limits, measure_limits, table
from ratio_table import Row, header, row
from subject import Subject, write_pictures

COMPARISONS: dict[str, Callable[[Subject], Iterator[Row | str]]] = {
    "scores": scores.rows,
    "unit_lesions": unit_lesions.rows,
    "masks": masks.rows,
    "recordings": recordings.rows,
    "reduction": reduction.rows,
    "knockouts": knockouts.rows,
    "dissection": dissection.rows,
}
FEW_PICTURES, PICTURES = 10, 200
QUICK_SHARE = 0.1


def main() -> None:
    """Measure the machine, then compare; print."""
    arguments = _arguments()
    # bars of the library's steps would stand between the rows
    os.environ["TQDM_DISABLE"] = "1"
    limits = in_own_process(_limits, arguments.threads, QUICK_SHARE if arguments.quick else 1)
    print(table(limits) + "\n")
    with tempfile.TemporaryDirectory() as name:
        count = FEW_PICTURES if arguments.quick else PICTURES
        manifest = write_pictures(Path(name), arguments.photographs, count)
        subject = Subject(arguments.weights, manifest, arguments.threads, arguments.quick)
        loaded = compare(subject, arguments.only)
    print(
        f"\nPyTorch {torch.__version__}, {arguments.threads} threads. A process that has loaded Python, its libraries "
        f"and the network takes {min(loaded):,.0f} MB, which is part of each peak."
    )


def compare(subject: Subject, names: list[str]) -> list[float]:
    """Print the table; what each process had loaded before it began, MB."""
    print(header(), flush=True)
    loaded, left_out = [], []
    for name in names:
        for found in COMPARISONS[name](subject):
            if isinstance(found, str):
                left_out.append(found)
                continue
            print(row(found), flush=True)
            loaded += [own.loaded for own in (found.ours, found.theirs)]
    for sentence in left_out:
        print(f"\n{sentence}")
    return loaded


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", type=Path, help="state_dict of torchvision's AlexNet")
    parser.add_argument("--photographs", type=Path, help="a folder with a folder for each category")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="little of everything")
    parser.add_argument("--only", nargs="+", choices=tuple(COMPARISONS), default=list(COMPARISONS))
    return parser.parse_args()


def _limits(threads: int, share: float) -> Limits:
    torch.set_num_threads(threads)
    return measure_limits(share=share)


if __name__ == "__main__":
    main()
