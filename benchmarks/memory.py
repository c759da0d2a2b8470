"""Peak memory of the steps that read all images, with N and with ten times as many.

    python benchmarks/memory.py FOLDER [--images 20]

Draws the toybox's images and labelled images into FOLDER, `--images` of each of the twelve categories and ten times as
many, runs each step in a process of its own, as its rule does, and prints a Markdown table for docs/performance.md. The
network is the default's, untrained.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from anatomy.canonical import write_json
from anatomy.config.validation import validate
from anatomy.environment import prepare_environment
from anatomy.plan import make_plan

RESULTS = Path("results")
NETWORK = RESULTS / "small/network/network.json"
LABELLED = RESULTS / "labelled_images/labels.json"
DISSECTION = RESULTS / "small/dissection"
LAYERS = ("conv1", "conv5")
TIMES = 10


def main() -> None:
    """Run all steps with both numbers of images; print."""
    options = arguments()
    prepare_environment()
    root = options.folder.resolve()
    peaks = [measure(root / str(n), n) for n in (options.images, TIMES * options.images)]
    few, many = (12 * n for n in (options.images, TIMES * options.images))
    print(f"| | {few:,} images (MB) | {many:,} images (MB) | difference (MB) |")
    print("| --- | ---: | ---: | ---: |")
    for job in peaks[0]:
        one, other = (found[job] for found in peaks)
        print(f"| {job} | {one:.0f} | {other:.0f} | {other - one:+.0f} |")
    size = Path(root, str(TIMES * options.images), RESULTS)
    for store in ("stimuli/toybox", "small/recordings/toybox", "small/dissection/responses"):
        files = (size / store).with_suffix(".zarr").rglob("*")
        print(
            f"{store}: {sum(f.stat().st_size for f in files if f.is_file()) / 1e6:.0f} MB on disk"
        )


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=20)
    return parser.parse_args()


def configuration(images: int) -> dict[str, Any]:
    """Recordings that knock-outs read, and dissection of two layers, as in the default."""
    shown = {"scoring": 0, "extraction": 0, "evaluation": images}
    learned = {"training": 1, "evaluation": 1, "scoring": 0, "extraction": 0}
    return {
        "stimuli": {
            "toybox": {"source": "toybox", "image_size": 64, "images": shown},
            "lessons": {"source": "toybox", "image_size": 64, "images": learned},
        },
        "broden": {"source": "toybox", "images_per_category": images},
        "networks": {
            "small": {
                "architecture": "toybox_alexnet",
                "weights": "trained",
                "training": {"stimuli": "lessons", "epochs": 1},
            }
        },
        "recordings": {"layers": ["conv5", "fc7"]},
        "knockouts": {"stimuli": "toybox"},
        "dissection": {"layers": list(LAYERS)},
        "compute": {"threads": 1, "batch_size": 64},
    }


def measure(folder: Path, images: int) -> dict[str, float]:
    """Job -> peak memory in MB, after running all of them in an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    specs = dict(make_plan(validate(configuration(images))).specs)
    learned = specs["network/small"]
    kept = {key: learned[key] for key in ("architecture", "categories", "preprocessing")}
    specs["network/small"] = kept | {"weights": "untrained", "seed": 0}
    return {job: run(folder, job, specs[job], paths) for job, paths in jobs().items()}


def jobs() -> dict[str, dict[str, list[Path]]]:
    """Job -> its paths, in an order in which they can be run."""
    stimuli, recording = RESULTS / "stimuli/toybox", RESULTS / "small/recordings/toybox"
    responses, broden = DISSECTION / "responses", RESULTS / "toybox_broden"
    return {
        "stimuli/toybox": stored(stimuli)
        | {"download": [], "table": [stimuli.with_suffix(".csv")]},
        "network/small": {"stimuli": [], "weights": [], "description": [NETWORK]},
        "record/small/toybox": stored(recording)
        | {"network": [NETWORK], "stimuli": [stimuli.with_suffix(".json")]},
        "toybox_broden": {"folder": [broden], "manifest": [broden.with_suffix(".json")]},
        "labelled_images": {"broden": [broden.with_suffix(".json")], "manifest": [LABELLED]},
        "dissection_responses/small": stored(responses)
        | {"network": [NETWORK], "labelled": [LABELLED]},
    } | {f"dissection/small/{layer}": dissection(responses, layer) for layer in LAYERS}


def dissection(responses: Path, layer: str) -> dict[str, list[Path]]:
    """Paths of the dissection of a layer."""
    folder = DISSECTION / layer
    return stored(folder / "counts") | {
        "labelled": [LABELLED],
        "responses": [responses.with_suffix(".json")],
        "units": [folder / "units.csv"],
        "detectors": [folder / "detectors.parquet"],
        "top_images": [folder / "top_images.parquet"],
    }


def stored(base: Path) -> dict[str, list[Path]]:
    """A store and its manifest."""
    return {"store": [base.with_suffix(".zarr")], "manifest": [base.with_suffix(".json")]}


def run(folder: Path, job: str, spec: dict[str, Any], paths: dict[str, list[Path]]) -> float:
    """Run a job to its end; its peak memory in MB, with the processes it started and waited for."""
    write_json(folder / "specs" / f"{job}.json", spec)
    command = [sys.executable, "-m", f"anatomy.steps.{job.split('/')[0]}", f"specs/{job}.json"]
    for name, own in paths.items():
        command += ["--" + name.replace("_", "-"), *map(str, own)]
    process = subprocess.Popen(
        [*command, "--record", f"records/{job}.json"], cwd=folder, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{job} failed")
    return used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
