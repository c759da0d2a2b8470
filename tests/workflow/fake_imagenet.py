"""Makes a folder in ImageNet's layout with empty image files: enough to plan a run, not to run it.

python tests/workflow/fake_imagenet.py FOLDER [--categories N] [--train N] [--val N]
"""

import argparse
from pathlib import Path

import pandas as pd

TABLE = Path(__file__).parents[2] / "resources" / "imagenet_categories.csv"


def fake_imagenet(folder: Path, categories: int = 1000, train: int = 16, val: int = 50) -> None:
    """Make FOLDER/train/WNID/*.JPEG and FOLDER/val/WNID/*.JPEG for the first categories of ImageNet.

    Parameters
    ----------
    train, val : number of files of each category
    """
    for category in pd.read_csv(TABLE)["category"][:categories]:
        for split, number in (("train", train), ("val", val)):
            own = folder / split / category
            own.mkdir(parents=True, exist_ok=True)
            for index in range(number):
                (own / f"{category}_{index:05d}.JPEG").touch()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--categories", type=int, default=1000)
    parser.add_argument("--train", type=int, default=16)
    parser.add_argument("--val", type=int, default=50)
    fake_imagenet(**vars(parser.parse_args()))
