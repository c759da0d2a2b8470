"""Whatever stands in the place of any value, the configuration is valid or refused in one line that names the key."""

import copy
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from properties import examples, read_or_refused
from test_config import JUNK, ROOT, usual

from anatomy.config.checks import check
from anatomy.config.validation import validate
from anatomy.errors import InputError
from anatomy.plan import make_plan

YAML = [
    *(
        "2020-01-01",
        "2020-01-01T12:00:00Z",
        "12:30:45",
        "!!binary aGk=",
        "!!set {a, b}",
        "!!omap [a: 1]",
    ),
    *(".inf", "-.inf", ".nan", "1e400", "1_000", "0o17", "0x1F", "1e3", "~", "yes", "off", '"1"'),
    *(
        "&a [*a]",
        "&a {x: *a}",
        "{? [1, 2] : 3}",
        "[]",
        "{}",
        "[[]]",
        "|\n  two\n  lines\n",
        '"a\\0b"',
    ),
    *("9" * 40, "-1", "0", "0.5", "../..", "/", "''", '"\\ud800"', "[a, a]", "all", "no such file"),
]


def loaded(text):
    """The value of a YAML text as Snakemake reads it."""
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return text  # what is no YAML does not come so far


VALUES = JUNK | st.sampled_from([loaded(text) for text in YAML])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Photographs, identities, labelled images, tables and weights, all as small as they may be."""
    root = tmp_path_factory.mktemp("data")
    for place in ("train/dog", "val/dog", "train/cat", "val/cat"):
        for number in range(2):
            picture(root / "photographs" / place / f"{number}.png")
    for kind in ("face", "house"):
        for identity in range(40):
            picture(root / "identities" / kind / str(identity) / "0.png")
    (root / "table.csv").write_text("category,super_category,output\ndog,animate,0\ncat,animal,1\n")
    (root / "weights.pth").touch()
    (root / "broden").mkdir()
    (root / "broden" / "index.csv").write_text("image,ih\nx.png,64\n")
    return root


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(path)


def from_folders(root):
    """A configuration of which everything comes from files."""
    raw = usual()
    raw["stimuli"]["photographs"] = {
        "source": "folder",
        "folder": str(root / "photographs"),
        "category_table": str(root / "table.csv"),
        "categories": ["dog", "cat"],
        "image_size": 224,
        "resize": 256,
        "images": {"training": 1, "scoring": 1, "extraction": 1, "evaluation": 1},
    }
    raw["networks"]["other"] = {
        "architecture": "alexnet",
        "weights": str(root / "weights.pth"),
        "outputs": str(root / "table.csv"),
    }
    raw["circuits"]["networks"] = ["small"]
    raw["identities"] = {"source": "folder", "folder": str(root / "identities")}
    raw["broden"] = {"source": "folder", "folder": str(root / "broden")}
    return raw


def shipped(_root):
    """The default configuration."""
    return yaml.safe_load((ROOT / "config" / "config.yaml").read_text())


def places(section, path=()):
    """The path of every value, of sections too."""
    if path:
        yield path
    inside = section.items() if isinstance(section, dict) else enumerate(section)
    for key, value in inside:
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))
        else:
            yield (*path, key)


def changed(raw, path, value):
    raw = copy.deepcopy(raw)
    inner = raw
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return raw


@pytest.mark.parametrize("make", [from_folders, shipped])
def test_what_is_changed_is_valid(folder, make):
    configuration = validate(make(folder))
    check(configuration)
    make_plan(configuration)


@pytest.mark.parametrize("make", [from_folders, shipped])
@examples(120)
@given(data=st.data())
def test_any_value_in_any_place_is_valid_or_refused_with_its_key(folder, make, data):
    raw = make(folder)
    path = data.draw(st.sampled_from([*places(raw)]))
    raw = changed(raw, path, data.draw(VALUES))
    configuration = read_or_refused(lambda: validate(raw), *names_of(path))
    if configuration is not None and read_or_refused(
        lambda: check(configuration) or True, "configuration: "
    ):
        make_plan(configuration)


def names_of(path):
    """The keys of a path: one of them is in the sentence."""
    return [key for key in path if isinstance(key, str)]


@pytest.mark.parametrize("text", ['"a\\0b"', '"\\ud800"'])
@pytest.mark.parametrize(
    "path", [("broden", "folder"), ("stimuli", "photographs", "categories", 0)]
)
def test_a_text_that_no_file_can_have_is_named(folder, path, text):
    raw = changed(from_folders(folder), path, yaml.safe_load(text))
    key = "broden.folder" if path[0] == "broden" else "stimuli.photographs.categories[0]"
    with pytest.raises(InputError, match=f"^configuration: {re.escape(key)} holds a character"):
        validate(raw)


@pytest.mark.parametrize("text", ["&a [*a]", "&a {x: *a}"])
def test_what_is_within_itself_is_refused(folder, text):
    with pytest.raises(InputError, match=r"^configuration: stimuli.* too many sections"):
        validate(changed(from_folders(folder), ("stimuli",), yaml.safe_load(text)))
