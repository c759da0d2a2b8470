"""The reader and the store of labelled images on real photographs with Broden's real label numbers."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from paths import DATA
from PIL import Image

from anatomy.stimuli.broden import Broden
from anatomy.stimuli.broden_tables import read_categories, read_labels
from anatomy.stimuli.labelled_images import LabelledImages
from anatomy.stimuli.labelled_images_writer import write_labelled_images

FOLDER, GOLDEN = DATA / "broden_mini", DATA / "golden"
pytestmark = pytest.mark.skipif(
    not (FOLDER.is_dir() and GOLDEN.is_dir()), reason="the real test data is not beside the project"
)
# as the description of the data says
CONCEPTS = {"color": 11, "object": 28, "part": 6, "material": 2, "scene": 4, "texture": 10}


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> LabelledImages:
    folder = tmp_path_factory.mktemp("labelled")
    assert write_labelled_images(folder, Broden.open(FOLDER), None, workers=2) == []
    return LabelledImages.open(folder)


def test_it_is_what_its_description_says(store):
    assert len(store.stimuli.table) == 922
    assert store.categories == tuple(CONCEPTS)
    assert store.concepts["category"].value_counts().to_dict() == CONCEPTS
    assert (store.image_size, store.mask_size, store.reduction) == (224, 112, 2)


def test_images_are_in_the_order_of_the_published_index(store):
    index = pd.read_csv(FOLDER / "index.csv", dtype=str)
    assert store.stimuli.table["image_id"].tolist() == index["image"].tolist()


def test_pixels_and_images_of_every_concept_are_those_of_the_published_tables(store):
    """Coverage is the sum of pixel shares over images, with six digits."""
    for row in store.concepts.itertuples():
        table = pd.read_csv(FOLDER / f"c_{row.category}.csv").set_index("number")
        assert row.images == table["frequency"][row.number]
        assert row.pixels == round(table["coverage"][row.number] * 112**2)


def test_some_images_equal_a_plain_reading(store):
    index = pd.read_csv(FOLDER / "index.csv", dtype=str, keep_default_na=False)
    numbers = np.array([0, *store.concepts["number"]])
    for row in range(0, len(index), 37):
        cells = index.loc[row, [*CONCEPTS]].tolist()
        items = [item for cell in cells for item in cell.split(";") if item]
        whole = [int(item) for item in items if item.isdecimal()]
        assert [n for n in numbers[store.whole(slice(row, row + 1))[0]] if n] == whole
        codes = store.codes(slice(row, row + 1))[0]
        pixels = [set(column) - {0} for column in numbers[codes].reshape(len(codes), -1).T.tolist()]
        wanted = [set() for _ in range(112**2)]
        for item in items:
            if not item.isdecimal():
                red, green, _ = np.array(Image.open(FOLDER / "images" / item), int).reshape(-1, 3).T
                for place, number in enumerate(red + 256 * green):
                    wanted[place] |= {number} - {0}
        assert pixels == wanted
        shown = np.array(Image.open(FOLDER / "images" / index["image"][row]))
        assert np.array_equal(store.stimuli.images(slice(row, row + 1))[0], shown)


def test_the_tables_of_the_published_set_are_read():
    """Broden has 1,197 labels in these numbers of concepts for each category (Bau et al. 2017, table 1)."""
    published = {"color": 11, "object": 584, "part": 234, "material": 32, "scene": 468}
    names = read_labels(Path(GOLDEN / "label.csv"))
    assert list(names) == list(range(1, 1198))
    assert (names[24], names[19], names[499]) == ("fabric", "person", "bar-s")
    assert read_categories(GOLDEN / "category.csv") == (*published, "texture")
    listed = pd.read_csv(GOLDEN / "label.csv", keep_default_na=False)["category"]
    found = pd.Series(re.findall(r"(\w+)\(", ";".join(listed))).value_counts()
    assert found[list(published)].to_dict() == published
