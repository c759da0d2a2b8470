"""docs/tutorial.md, as it stands: its files are read from the page, its configurations planned, its mistakes made."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from given_files import give_photograph
from runs import ROOT, Run

from anatomy.config import given_architectures
from anatomy.config.checks import check
from anatomy.config.validation import validate
from anatomy.errors import InputError
from anatomy.networks.file_layers import answer
from anatomy.plan import make_plan
from anatomy.stimuli.labelled_images import LabelledImages

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
# blocks that are files say so in their first line
FILES = {
    name: text
    for text, name in re.findall(r"```(?:yaml|python)\n(# (\S+)\n.*?)```", PAGE, re.DOTALL)
}
TABLE = re.search(r"```csv\n(.*?)```", PAGE, re.DOTALL)[1]
ADDED = re.search(r"```yaml\n(# added to my\.yaml\n.*?)```", PAGE, re.DOTALL)[1]
CATEGORIES = [line.split(",")[0] for line in TABLE.splitlines()[1:]]
PHOTOGRAPHS = {"train": 48, "val": 22}
MOST_LINES = 20

Raw = dict[str, Any]


@pytest.fixture(scope="module")
def photographs(tmp_path_factory) -> Path:
    """As many images as the page speaks of."""
    folder = tmp_path_factory.mktemp("tutorial") / "photographs"
    seed = 0
    for split, number in PHOTOGRAPHS.items():
        for category in CATEGORIES:
            for place in range(number):
                seed += 1
                give_photograph(folder / split / category / f"{place}.png", seed)
    return folder


@pytest.fixture
def study(photographs, tmp_path, monkeypatch) -> Path:
    """The reader's folder, with all files of the page."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "categories.csv").write_text(TABLE, encoding="utf-8")
    (tmp_path / "my_weights.pth").touch()  # read by the job alone
    (tmp_path / "photographs").symlink_to(photographs)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def planned(study: Path, configuration: str) -> dict[str, int]:
    run = Run(study)
    run.configuration = study / configuration
    return run.planned()


def jobs_of(raw: Raw) -> dict[str, Any]:
    """Job -> settings, of a configuration that can be carried out."""
    configuration = validate(raw)
    check(configuration)
    return dict(make_plan(configuration).specs)


def test_configurations_have_no_more_lines_than_promised():
    for name in ("my.yaml", "alexnet.yaml"):
        assert len(FILES[name].splitlines()) - 1 <= MOST_LINES


def test_a_network_of_your_own_is_planned_and_made(study):
    rules = planned(study, "my.yaml")
    methods = {
        *("score_weights", "extract_circuits", "knock_out", "lesion_clusters"),
        *("visualise_features", "map_occlusion"),
    }
    assert methods <= set(rules)
    assert rules["make_network"] == 2
    run = Run(study)
    run.configuration = study / "my.yaml"
    run.change("networks", "mine", "training", "epochs", to=1)
    few = {"training": 4, "scoring": 1, "extraction": 4, "evaluation": 6}
    run.change("stimuli", "photographs", "images", to=few)
    run.finish("--", "networks")
    for name in ("mine", "untrained"):
        copy = study / "results" / name / "network" / "architecture.py"
        assert copy.read_text(encoding="utf-8") == FILES["my_network.py"]


def test_a_network_of_torchvision_is_planned(study):
    jobs = jobs_of(yaml.safe_load(FILES["alexnet.yaml"]))
    assert "source" not in jobs["network/mine"]
    assert {"network/mine", "knockouts/mine/layers_0000", "circuits/mine/shard_0000"} <= set(jobs)


def test_a_changed_network_of_torchvision_is_planned(study, monkeypatch):
    monkeypatch.setattr(given_architectures, "_asked", answer)
    raw = yaml.safe_load(FILES["alexnet.yaml"])
    raw["networks"]["mine"]["architecture"] = "changed.py:my_resnet"
    raw["knockouts"]["layers"] = ["layer1.0.conv1", "fc"]
    assert jobs_of(raw)["network/mine"]["source"] == FILES["changed.py"]


def test_labels_are_written_and_read(study):
    subprocess.run([sys.executable, "label_colours.py"], check=True, timeout=60)
    path = study / "my.yaml"
    path.write_text(FILES["my.yaml"] + ADDED, encoding="utf-8")
    assert planned(study, "my.yaml")["dissect"] == 6
    run = Run(study)
    run.configuration = path
    run.finish("--", "results/labelled_images/labels.json")
    labelled = LabelledImages.open(study / "results" / "labelled_images")
    assert labelled.image_size == 64
    assert len(list((study / "my_labels/images").glob("*_color.png"))) == 6 * PHOTOGRAPHS["val"]


# --- mistakes

MISTAKES: dict[str, Callable[[Raw], None]] = {}


def mistake(name: str) -> Callable[[Callable[[Raw], None]], Callable[[Raw], None]]:
    """Register what makes the mistake of that name."""

    def register(function: Callable[[Raw], None]) -> Callable[[Raw], None]:
        MISTAKES[name] = function
        return function

    return register


def sentences() -> dict[str, str]:
    """Mistake -> the sentence that the page promises."""
    table = PAGE.split("<!-- mistakes -->")[1].split("\n\n")[1]
    return dict(re.findall(r"^\| (.+?) \| `(.+)` \|$", table, re.MULTILINE))


def edit(before: str, after: str) -> None:
    """Replace a piece of the reader's module."""
    path = Path("my_network.py")
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


@mistake("a key is misspelt")
def _key(raw: Raw) -> None:
    raw["networks"]["mine"]["architcture"] = raw["networks"]["mine"].pop("architecture")


@mistake("the class has another name")
def _name(raw: Raw) -> None:
    raw["networks"]["mine"]["architecture"] = "my_network.py:MyNet"


@mistake("the file lies elsewhere")
def _elsewhere(raw: Raw) -> None:
    raw["networks"]["mine"]["architecture"] = "models/my_network.py:MyNetwork"


@mistake("`preprocessing` is left out, so that images have 224 pixels")
def _preprocessing(raw: Raw) -> None:
    del raw["networks"]["mine"]["preprocessing"]


@mistake("the last layer is fixed at ten units")
def _ten(raw: Raw) -> None:
    edit("nn.Linear(128, outputs)", "nn.Linear(128, 10)")


@mistake("the file imports another file of yours")
def _sibling(raw: Raw) -> None:
    Path("my_blocks.py").touch()
    edit("# my_network.py\n", "import my_blocks\n")


@mistake("`forward` asks for a value of the image")
def _value(raw: Raw) -> None:
    before = "        values = self.pool"
    edit(before, f"        if images.max() > 1:\n            images = images / 2\n{before}")


@mistake("more images are asked for than there are")
def _images(raw: Raw) -> None:
    raw["stimuli"]["photographs"]["images"]["evaluation"] = 22


@mistake("a row of the table without a folder")
def _row(raw: Raw) -> None:
    Path("categories.csv").write_text(TABLE + "wolf,animate,6\n", encoding="utf-8")


@mistake("a layer that is not there")
def _layer(raw: Raw) -> None:
    raw["knockouts"]["layers"] = ["fc7"]


@mistake("the labelled images have another size")
def _size(raw: Raw) -> None:
    subprocess.run([sys.executable, "label_colours.py"], check=True, timeout=60)
    edit("96 * 4 * 4", "96 * 2 * 2")
    raw["networks"]["mine"]["preprocessing"]["input_size"] = 32
    raw.update(yaml.safe_load(ADDED))


def test_every_mistake_of_the_page_is_made_here():
    assert list(sentences()) == list(MISTAKES)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_gives_the_sentence_of_the_page(study, monkeypatch, name):
    monkeypatch.setattr(given_architectures, "_asked", answer)
    monkeypatch.syspath_prepend(os.curdir)  # as `python -m` does
    raw = yaml.safe_load(FILES["my.yaml"])
    MISTAKES[name](raw)
    with pytest.raises(InputError) as error:
        check(validate(raw))
    assert str(error.value) == sentences()[name]
