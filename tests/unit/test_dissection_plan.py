"""The jobs of network dissection: what is planned for which images, and what one job refuses of another."""

import dataclasses
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from pipeline import plan_of, run
from small import network_of, new
from small_broden import LABELS, MASK, SIZE, packed, plane, write_folder
from test_plan import changed_jobs, tiny
from torch_settings import torch_as_it_was

from anatomy.broden_plan import name_of
from anatomy.canonical import file_digest, read_json
from anatomy.config.configuration import METHODS
from anatomy.config.dissection import BrodenFolder
from anatomy.config.validation import validate
from anatomy.dissection.count_files import UNITS_PER_CHUNK, StoredCounts, write_counts
from anatomy.dissection.counts import Concepts, Counts
from anatomy.dissection.detectors import COUNTINGS, Detectors
from anatomy.dissection.resampling import Resampled
from anatomy.dissection.responses import Maps, described
from anatomy.dissection.tables import detector_table
from anatomy.errors import InputError
from anatomy.networks.field import Field
from anatomy.networks.preprocessing import Preprocessing
from anatomy.plan import Plan, make_plan
from anatomy.steps import (
    dissected_networks_figures,
    dissection_figures,
    dissection_responses,
    toybox_broden,
)
from anatomy.steps.step import Job
from anatomy.stimuli.broden import Broden
from anatomy.stimuli.labelled_images import SPLIT, LabelledImages
from anatomy.stimuli.labelled_images_writer import write_labelled_images
from anatomy.store import ArraySpec, StoreWriter
from anatomy.tables import read_units

IMAGES = {
    "1.png": {"object": [plane(2, 2, 0, 300)], "color": [1]},
    "2.png": {"object": [plane(0, 2)], "scene": [7]},
    "3.png": {"object": [plane(300, 300, 300)], "material": [plane(0, 700)]},
    "4.png": {"texture": [9]},
    "5.png": {"part": [plane(3)], "color": [1]},
}
CONVOLUTIONS = ["conv1", "conv2", "conv3", "conv4", "conv5"]
DISSECTION_JOBS = (
    *("dissection", "labelled_images", "rotations"),
    *("figures/dissect", "figures/rotations", "join_tables/"),
)


def configured(broden, **dissection):
    """A trained network, its untrained twin and nothing but their dissection."""
    raw = tiny()
    for method in (*METHODS, "broden"):
        del raw[method]
    return raw | {"broden": broden, "dissection": dissection}


def planned(raw) -> Plan:
    """The plan of a configuration, also of one that is never carried out as a whole."""
    return make_plan(validate(raw))


def specs(broden, **dissection):
    return planned(configured(broden, **dissection)).specs


def jobs_of(plan: Plan, kind: str) -> list[str]:
    """Jobs of a kind in their order, without its name."""
    return [job.removeprefix(kind) for job in plan.specs if job.startswith(kind)]


def rewritten(path: Path, old: str, new_text: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new_text))


def pixels_of(number, images) -> int:
    """How many label pixels of some images show a number."""
    items = [item for image in images for own in IMAGES[image].values() for item in own]
    return sum(int((np.broadcast_to(item, (MASK, MASK)) == number).sum()) for item in items)


# --- a folder


@pytest.fixture
def folder(tmp_path, monkeypatch) -> dict[str, str]:
    """A folder in Broden's layout, in the working directory, and its section."""
    monkeypatch.chdir(tmp_path)
    write_folder(Path("data/set.v1"), IMAGES)
    return {"source": "folder", "folder": "data/set.v1"}


def test_a_folder_is_read_where_it_is(folder):
    plan = planned(configured(folder))
    assert set(plan.specs["labelled_images"]) == {"folder", "images", "tables"}
    assert plan.specs["labelled_images"]["folder"] == "data/set.v1"
    assert plan.specs["labelled_images"]["images"] is None
    assert not {"toybox_broden", "unpack_broden"} & set(plan.specs)
    assert plan.broden_manifest() == plan.broden_archive() == []


@pytest.mark.parametrize(
    ("table", "old", "replacement"),
    [
        ("index.csv", "2.png,train", "2.png,val"),
        ("label.csv", "300,sand", "300,dune"),
        ("category.csv", "texture\n", ""),
        ("c_object.csv", "300,2.25", "300,0.25"),
    ],
)
def test_another_table_in_a_folder_repeats_the_labelled_images(folder, table, old, replacement):
    before = specs(folder)
    rewritten(Path(folder["folder"], table), old, replacement)
    assert changed_jobs(before, specs(folder)) == {"labelled_images"}


def test_what_is_no_table_and_a_later_time_repeat_nothing(folder):
    before = specs(folder)
    place = Path(folder["folder"])
    os.utime(place / "images/1.png", (1, 1))
    os.utime(place / "index.csv", (1, 1))
    (place / "README.txt").write_text("text")
    (place / "images/notes.csv").write_text("text")
    assert changed_jobs(before, specs(folder)) == set()


def test_fewer_images_of_a_folder_are_other_labelled_images(folder):
    assert changed_jobs(specs(folder), specs(folder | {"images": 3})) == {"labelled_images"}


def test_processes_that_write_no_specs_read_no_tables(folder):
    configuration = validate(configured(folder))
    shutil.rmtree(folder["folder"])
    assert "tables" not in make_plan(configuration, plans_anew=False).specs["labelled_images"]


def test_the_step_reads_all_settings_of_a_folder_but_the_digest_of_its_tables(folder):
    plan = planned(configured(folder | {"images": 4}))
    (spec,) = run(plan, only=("labelled_images",)).values()
    assert set(spec.keys()) - spec.read == {"tables"}
    labelled = LabelledImages.open(Path("results/labelled_images"))
    assert len(labelled.stimuli.table) == 4
    assert (labelled.image_size, labelled.mask_size) == (SIZE, MASK)
    chosen = labelled.stimuli.table["image_id"]
    pixels = labelled.concepts.set_index("number")["pixels"].to_dict()
    assert pixels == {number: pixels_of(number, chosen) for number in LABELS}
    assert 0 < pixels[300] < pixels[1]


# --- an archive


@pytest.fixture
def archive(folder) -> dict[str, str]:
    """The same folder, packed."""
    packed(Path(folder["folder"]), Path("data/set.zip"))
    return {"source": "archive", "archive": "data/set.zip"}


def test_an_archive_is_unpacked_before_it_is_read(archive):
    plan = planned(configured(archive | {"images": 3}))
    packed_files = file_digest(Path("data/set.zip"))
    assert plan.specs["unpack_broden"] == {
        "archive": "data/set.zip",
        "archive_digest": packed_files,
    }
    assert plan.specs["labelled_images"] == {"images": 3}
    assert "toybox_broden" not in plan.specs
    assert list(plan.specs).index("unpack_broden") < list(plan.specs).index("labelled_images")
    assert plan.broden_archive() == ["data/set.zip"]
    assert plan.broden_manifest() == ["results/broden.json"]


def test_an_archive_gives_the_labelled_images_of_its_folder(folder, archive):
    run(planned(configured(folder)), only=("labelled_images",))
    here = Path("results/labelled_images")
    expected = LabelledImages.open(here)
    shutil.rmtree("results")
    shutil.rmtree(folder["folder"])
    watched = run(planned(configured(archive)), only=("unpack_broden", "labelled_images"))
    assert list(watched) == ["unpack_broden", "labelled_images"]
    assert watched["labelled_images"].read == {"images"}
    assert read_json("results/broden.json")["folder"] == "results/broden/set.v1"
    found = LabelledImages.open(here)
    assert len(found.stimuli.table) == len(IMAGES)
    assert found.digest == expected.digest


def test_what_says_where_an_archive_was_unpacked_changes_with_the_archive(folder, archive):
    manifests = []
    for number in (700, 3):
        write_folder(Path(folder["folder"]), IMAGES | {"4.png": {"material": [plane(number)]}})
        packed(Path(folder["folder"]), Path(archive["archive"]))
        run(planned(configured(archive)), only=("unpack_broden",))
        manifests.append(read_json("results/broden.json"))
        shutil.rmtree("results")
    assert manifests[0]["folder"] == manifests[1]["folder"]
    assert manifests[0] != manifests[1]


# --- the toybox


def test_the_toybox_is_drawn_before_it_is_read():
    plan = plan_of(configured({"source": "toybox", "images_per_category": 3, "seed": 5}))
    assert plan.specs["toybox_broden"] == {"images_per_category": 3, "image_size": 64, "seed": 5}
    assert plan.specs["labelled_images"] == {"images": None}
    assert "unpack_broden" not in plan.specs
    assert list(plan.specs).index("toybox_broden") < list(plan.specs).index("labelled_images")
    assert plan.broden_manifest() == ["results/toybox_broden.json"]


@pytest.mark.parametrize("source", ["toybox", "archive", "folder"])
def test_without_dissection_labelled_images_are_made_at_most(source, request):
    sources = {"toybox": "toybox_broden", "archive": "unpack_broden", "folder": None}
    section = {"source": "toybox"} if source == "toybox" else request.getfixturevalue(source)
    raw = configured(section)
    del raw["dissection"]
    plan = planned(raw)
    jobs = {job for job in plan.specs if job.endswith("_broden")}
    assert jobs == {sources[source]} - {None}
    assert not [job for job in plan.specs if job.startswith(DISSECTION_JOBS)]
    assert set(plan.broden_manifest()) <= set(plan.targets()["stimuli"])
    assert plan.targets()["dissection"] == []
    assert not [path for path in plan.targets()["figures"] if "dissection" in path]


def draw(monkeypatch, folder: Path, files: dict[str, bytes]) -> dict[str, str]:
    """The manifest of the step that draws the toybox, if it draws these files."""

    def write_broden(place, *_):
        for name, content in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content)

    monkeypatch.setattr(toybox_broden, "write_broden", write_broden)
    spec = {"images_per_category": 1, "image_size": 64, "seed": 0}
    manifest = folder.with_suffix(".json")
    toybox_broden.main(Job(spec, 0, {"folder": [folder], "manifest": [manifest]}))
    return read_json(manifest)


DRAWN = {"index.csv": b"image", "images/toybox/dog.png": b"01", "images/toybox/dog_c.png": b"23"}


@pytest.mark.parametrize(
    "other",
    [
        DRAWN | {"images/toybox/dog.png": b"02"},
        DRAWN | {"index.csv": b"imagf"},
        DRAWN | {"images/toybox/dog.png": b"23", "images/toybox/dog_c.png": b"01"},
        DRAWN | {"images/toybox/cat.png": b""},
        {"index.csv": b"image", "images/toybox/dog.png": b"01", "images/dog_c.png": b"23"},
    ],
)
def test_the_manifest_of_the_toybox_changes_with_every_file(tmp_path, monkeypatch, other):
    first = draw(monkeypatch, tmp_path / "first/set", DRAWN)
    assert first["folder"] == str(tmp_path / "first/set")
    same = draw(monkeypatch, tmp_path / "same/set", dict(reversed(DRAWN.items())))
    assert same["digest"] == first["digest"]
    assert draw(monkeypatch, tmp_path / "other/set", other)["digest"] != first["digest"]


# --- layers and networks

TOYBOX = {"source": "toybox"}


def dissected(plan: Plan, network: str) -> list[str]:
    """The layers that are recorded and dissected."""
    layers = jobs_of(plan, f"dissection/{network}/")
    assert layers == plan.specs[f"dissection_responses/{network}"]["layers"]
    assert layers == [plan.specs[f"dissection/{network}/{layer}"]["layer"] for layer in layers]
    assert layers == jobs_of(plan, f"dissection_gallery/{network}/")
    return layers


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("all", CONVOLUTIONS),
        (["conv5", "conv1"], ["conv1", "conv5"]),
        (["conv3"], ["conv3"]),
    ],
)
def test_layers_are_convolutions_in_network_order(layers, expected):
    assert dissected(planned(configured(TOYBOX, layers=layers)), "small") == expected


@pytest.mark.parametrize(
    ("architecture", "number", "last"),
    [
        ("bvlc_alexnet", 5, "conv5"),
        ("vgg11", 8, "features.18"),
        ("resnet18", 20, "layer4.1.conv2"),
        # between the convolutions of its blocks lie linear layers
        ("convnext_tiny", 22, "features.7.2.block.0"),
        ("squeezenet1_1", 26, "classifier.1"),
        ("vit_b_16", 1, "conv_proj"),
    ],
)
def test_all_layers_of_other_networks_are_their_convolutions(architecture, number, last):
    raw = configured(TOYBOX, networks=["own"])
    raw["networks"]["own"] = {"architecture": architecture, "weights": "torchvision"}
    layers = dissected(planned(raw), "own")
    assert (len(layers), layers[-1]) == (number, last)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (None, ["conv4"]),
        ("all", ["conv1", "conv3", "conv4"]),
        (["conv4", "conv1"], ["conv1", "conv4"]),
        (["conv3"], ["conv3"]),
    ],
)
def test_other_bases_are_those_of_the_last_layer_unless_others_are_named(layers, expected):
    settings = {"layers": layers, "repeats": 2, "strengths": [0.5], "combined_units": [3]}
    section = {"layers": ["conv4", "conv1", "conv3"], "rotations": settings, "seed": 7}
    plan = plan_of(configured(TOYBOX, **section))
    for network in ("small", "untrained"):
        assert jobs_of(plan, f"rotations/{network}/") == expected
        folder = f"results/{network}/dissection"
        parts = [f"{folder}/{layer}/rotations.parquet" for layer in expected]
        assert plan.table_parts(network, "dissection", "rotations") == parts
        for layer in expected:
            spec = plan.specs[f"rotations/{network}/{layer}"]
            assert (spec["network"], spec["layer"], spec["seed"]) == (network, layer, 7)
            assert (spec["repeats"], spec["strengths"], spec["combined_units"]) == (2, [0.5], [3])
            assert "layers" not in spec


def test_without_rotations_there_are_no_other_bases():
    plan = plan_of(configured(TOYBOX))
    assert not [job for job in plan.specs if "rotations" in job]
    assert not [path for paths in plan.targets().values() for path in paths if "rotation" in path]
    assert plan.rotation_tables() == []


def test_the_files_that_a_dissection_promises():
    plan = plan_of(configured(TOYBOX, layers=["conv2", "conv1"], rotations={}))
    expected = {"results/figures/dissection.png"}
    promised = set()
    for network in ("small", "untrained"):
        folder = f"results/{network}/dissection"
        promised |= {f"{folder}/{table}.csv" for table in ("detectors", "rotations")}
        promised |= {
            f"{folder}/{layer}/{file}"
            for layer in ("conv1", "conv2")
            for file in ("units.csv", "gallery.html")
        }
        names = ("detectors", "units", "rotations")
        expected |= {f"{folder}/figures/{name}.png" for name in names}
        detectors = [f"{folder}/{layer}/detectors.parquet" for layer in ("conv1", "conv2")]
        assert plan.table_parts(network, "dissection", "detectors") == detectors
    targets = plan.targets()
    assert sorted(targets["dissection"]) == sorted(promised)
    assert {path for path in targets["figures"] if "dissection" in path} == expected


def test_of_two_networks_one_may_be_dissected():
    plan = plan_of(configured(TOYBOX, networks=["untrained"], layers=["conv1"], rotations={}))
    folder = "results/untrained/dissection"
    assert sorted(plan.targets()["dissection"]) == [
        f"{folder}/conv1/gallery.html",
        f"{folder}/conv1/units.csv",
        f"{folder}/detectors.csv",
        f"{folder}/rotations.csv",
    ]
    assert not [job for job in plan.specs if "small" in job and job.startswith(DISSECTION_JOBS)]
    assert plan.specs["summary"]["networks"] == ["untrained"]
    assert plan.specs["summary"]["dissection"] == ["untrained"]
    assert plan.network_descriptions() == ["results/untrained/network/network.json"]


def test_the_dissection_of_one_network_does_not_depend_on_another():
    one = specs(TOYBOX, networks=["untrained"])
    both = specs(TOYBOX)
    changed = {job for job in changed_jobs(one, both) if "small" not in job}
    assert changed == {"summary"}


@pytest.mark.parametrize(
    ("section", "name"),
    [
        (TOYBOX, "toybox"),
        ({"source": "folder", "folder": "data/broden1_224"}, "broden1_224"),
        ({"source": "archive", "archive": "data/broden1_384.zip"}, "broden1_384"),
    ],
)
def test_pages_say_which_images_were_shown(section, name):
    plan = make_plan(validate(configured(section, layers=["conv1"])), plans_anew=False)
    assert plan.specs["dissection_gallery/small/conv1"]["images"] == name


# --- from labelled images to responses

INPUT = Preprocessing(input_size=SIZE, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))


@pytest.fixture(scope="module")
def sets(tmp_path_factory) -> dict[str, Path]:
    """Labelled images, the same with a pixel changed, and the same with a label changed."""
    root = tmp_path_factory.mktemp("sets")
    found = {}
    for name in ("first", "other_pixel", "other_label"):
        source = write_folder(root / name / "source", IMAGES)
        if name == "other_pixel":
            image = source / "images/3.png"
            pixels = np.array(Image.open(image))
            pixels[2, 5, 1] ^= 1
            Image.fromarray(pixels).save(image)
        if name == "other_label":
            write_folder(source, IMAGES | {"4.png": {"scene": [7]}})
        found[name] = root / name / "labelled"
        write_labelled_images(found[name], Broden.open(source), None)
    return found


def record(monkeypatch, network, labelled: Path, folder: Path, layers=("squeeze", "wide")) -> Path:
    """The step, with a network of the tests; returns the manifest."""
    monkeypatch.setattr(dissection_responses, "open_network", lambda _: network)
    spec = {"layers": list(layers), "dtype": "float32", "batch_size": 2, "network": "small"}
    paths = {
        "network": folder / "network.json",
        "labelled": labelled / "labels.json",
        "store": folder / "responses.zarr",
        "manifest": folder / "responses.json",
    }
    with torch_as_it_was():
        dissection_responses.main(Job(spec, 0, {name: [path] for name, path in paths.items()}))
    return paths["manifest"]


def test_responses_are_those_of_the_network_to_the_images_in_their_order(
    sets, tmp_path, monkeypatch
):
    labelled, model = LabelledImages.open(sets["first"]), new("squeeze")
    network = dataclasses.replace(network_of(model), preprocessing=INPUT)
    manifest = record(monkeypatch, network, sets["first"], tmp_path)
    pixels = torch.from_numpy(labelled.stimuli.images(slice(None))).permute(0, 3, 1, 2) / 255
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (INPUT.mean, INPUT.std))
    with torch.inference_mode():
        squeezed = torch.relu(model.squeeze((pixels - mean) / std))
        wide = torch.relu(model.wide(squeezed))
    for layer, expected in (("squeeze", squeezed), ("wide", wide)):
        maps = Maps.open(manifest, layer, labelled)
        assert (maps.images, maps.units, *maps.shape) == expected.shape
        blocks = list(maps.blocks())
        assert [(rows.start, rows.stop) for rows, _ in blocks] == [(0, 2), (2, 4), (4, 5)]
        assert maps.block_count == 3
        found = np.concatenate([block for _, block in blocks])
        np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-5)
        basis = np.linalg.qr(np.random.default_rng(0).standard_normal((maps.units,) * 2))[0]
        turned = np.concatenate([block for _, block in maps.turned(basis).blocks()])
        by_hand = np.einsum("nu,iuyx->inyx", basis, found)
        np.testing.assert_allclose(turned, by_hand, rtol=1e-4, atol=1e-5)


def test_receptive_fields_stand_beside_the_responses(sets, tmp_path, monkeypatch):
    network = dataclasses.replace(network_of(new("squeeze")), preprocessing=INPUT)
    arrays = read_json(record(monkeypatch, network, sets["first"], tmp_path))["arrays"]
    # 3 pixels at a step of 2; 3 x 3 of these, the first of them beyond the border
    for layer, expected in (("squeeze", Field(0, 3, 2)), ("wide", Field(-2, 7, 2))):
        described_fields = arrays[f"{SPLIT}/responses/{layer}"]["attributes"]["receptive_fields"]
        assert [Field.from_described(own) for own in described_fields] == [expected, expected]


@pytest.mark.parametrize("size", [8, 16])
def test_labelled_images_that_a_network_does_not_see_whole_are_refused(
    sets, tmp_path, monkeypatch, size
):
    preprocessing = INPUT.model_copy(update={"input_size": size})
    network = dataclasses.replace(network_of(new("squeeze")), preprocessing=preprocessing)
    with pytest.raises(InputError) as error:
        record(monkeypatch, network, sets["first"], tmp_path)
    assert str(error.value) == (
        f"the labelled images have 9 pixels, but network 'small' sees {size}; take the Broden of this size, or set "
        "networks.small.preprocessing.input_size"
    )
    assert list(tmp_path.iterdir()) == []


def test_responses_to_other_images_are_refused(sets, tmp_path, monkeypatch):
    network = dataclasses.replace(network_of(new("squeeze")), preprocessing=INPUT)
    manifest = record(monkeypatch, network, sets["first"], tmp_path)
    first, other_pixel, other_label = (LabelledImages.open(folder) for folder in sets.values())
    with pytest.raises(InputError, match=r"responses\.zarr: made with stimuli = "):
        Maps.open(manifest, "wide", other_pixel)
    with pytest.raises(InputError, match=r"holds no array 'dissection/responses/last'"):
        Maps.open(manifest, "last", first)
    # responses do not depend on labels
    assert other_label.digest != first.digest
    assert Maps.open(manifest, "wide", other_label).images == len(IMAGES)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_responses_that_are_not_finite_are_refused(sets, tmp_path, value):
    name, labelled = f"{SPLIT}/responses/conv", LabelledImages.open(sets["first"])
    field = Field(0, 1, 1)
    spec = ArraySpec((5, 2, 3, 3), (2, 2, 3, 3), "float16", described([field, field]))
    files = tmp_path / "responses.zarr", tmp_path / "responses.json"
    writer = StoreWriter(*files, {"stimuli": labelled.stimuli.digest}, {name: spec})
    maps = np.zeros((5, 2, 3, 3), np.float16)
    maps[4, 1, 2, 0] = value
    writer.write("all", {name: (slice(0, 5), maps)})
    writer.finish()
    blocks = Maps.open(files[1], "conv", labelled).blocks()
    assert [next(blocks)[1].dtype for _ in range(2)] == [np.float32] * 2
    with pytest.raises(InputError, match="a response is not a finite number"):
        next(blocks)


# --- counts on disk

MADE_FROM = {"labelled_images": "a", "responses": "b", "layer": "conv1", "quantile": 0.005}


def some_groups(number, units, concepts, seed=0):
    random = np.random.default_rng(seed)
    codes, categories = len(concepts.names), len(concepts.categories)
    return [
        Counts(
            random.integers(0, 10**6, (units, codes)),
            random.integers(0, 10**6, (units, categories)),
            random.integers(0, 10**6, codes),
        )
        for _ in range(number)
    ]


TWO_CATEGORIES = Concepts(("object", "part"), np.array([-1, 0, 0, 1]), ("", "dog", "car", "wheel"))
COUNTED = ("intersections", "activations", "truths")


def write(folder, groups, units, number=None, made_from=MADE_FROM):
    files = folder / "counts.zarr", folder / "counts.json"
    write_counts(*files, made_from, number or len(groups), units, TWO_CATEGORIES, iter(groups))
    return files


@pytest.mark.parametrize("units", [1, UNITS_PER_CHUNK, 2 * UNITS_PER_CHUNK + 5])
@pytest.mark.parametrize("number", [1, 4])
def test_counts_are_read_as_they_were_written(tmp_path, units, number):
    groups = some_groups(number, units, TWO_CATEGORIES)
    counts = StoredCounts(*write(tmp_path, groups, units), MADE_FROM)
    assert counts.groups == number
    blocks = list(counts.blocks())
    assert [block.intersections.shape[1] for block in blocks[:-1]] == [64] * (len(blocks) - 1)
    for name in COUNTED:
        expected = np.stack([getattr(group, name) for group in groups])
        if name == "truths":
            assert all(np.array_equal(block.truths, expected) for block in blocks)
        else:
            found = np.concatenate([getattr(block, name) for block in blocks], axis=1)
            np.testing.assert_array_equal(found, expected)
        total = getattr(counts.total(), name)
        np.testing.assert_array_equal(total, expected.sum(axis=0))
        assert total.dtype == np.int64


def test_totals_may_be_larger_than_what_a_group_counts(tmp_path):
    """Sums over groups of so many pixels do not fit 32 bits."""
    many = Counts(*(np.full(shape, 2**31 - 1) for shape in ((2, 4), (2, 2), 4)))
    total = StoredCounts(*write(tmp_path, [many] * 3, 2), MADE_FROM).total()
    for name in COUNTED:
        assert (getattr(total, name) == 3 * (2**31 - 1)).all()


@pytest.mark.parametrize("key", MADE_FROM)
def test_counts_of_something_else_are_refused(tmp_path, key):
    files = write(tmp_path, some_groups(2, 3, TWO_CATEGORIES), 3)
    with pytest.raises(InputError, match=rf"counts\.zarr: made with {key} = "):
        StoredCounts(*files, MADE_FROM | {key: "something else"})


def test_counts_of_fewer_groups_than_there_are_images_for_are_refused(tmp_path):
    files = write(tmp_path, some_groups(2, 3, TWO_CATEGORIES), 3, number=3)
    with pytest.raises(InputError, match="chunks are missing"):
        StoredCounts(*files, MADE_FROM)


# --- a dissection and nothing else

DISSECTED = {"small": ["conv4", "conv5"], "untrained": ["conv4", "conv5"]}
NAMES = ("color", "object", "part", "material", "scene", "texture")
MINIMUM = 0.06


def alone(**compute):
    """Two networks that are dissected and shown nothing else."""
    settings = {"resamples": 3, "top_images": 2, "minimum_iou": MINIMUM}
    rotations = {"strengths": [1.0], "combined_units": [], "repeats": 2}
    section = settings | {"layers": ["conv4", "conv5"], "rotations": rotations}
    raw = configured({"source": "toybox", "images_per_category": 1}, **section)
    del raw["stimuli"]["seen"]
    raw["compute"] |= compute
    return raw


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    """The results of such a run, without figures."""
    folder = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        plan = plan_of(alone())
        run(plan, only=tuple(job for job in plan.specs if not job.startswith("figures/")))
    return folder / "results"


def layers_of(done: Path, file: str):
    """Network, layer and one file of each layer."""
    for network, layers in DISSECTED.items():
        for layer in layers:
            yield network, layer, done / network / "dissection" / layer / file


def detectors_of(done: Path, network: str, layer: str) -> pd.DataFrame:
    table = pd.read_csv(done / network / "dissection/detectors.csv")
    return table[table["layer"] == layer].set_index(["counting", "category"])


def test_detectors_are_the_units_whose_best_iou_is_above_the_minimum(done):
    for network, layer, path in layers_of(done, "units.csv"):
        units = read_units(path)
        ious = units[[f"{name}_iou" for name in NAMES]].to_numpy()
        np.testing.assert_array_equal(units["iou"], ious.max(axis=1))
        np.testing.assert_array_equal(units["detector"], units["iou"] > MINIMUM)
        found = detectors_of(done, network, layer)
        assert (found["units"] == len(units)).all()
        assert 0 < units["detector"].sum() < len(units)
        own = units[units["detector"]]
        overall = 0
        for name in NAMES:
            numbers = [units[f"{name}_{part}"] for part in ("intersection", "activation", "truth")]
            intersection, activation, truth = numbers
            union = np.maximum(activation + truth - intersection, 1)
            np.testing.assert_allclose(units[f"{name}_iou"], intersection / union, rtol=1e-12)
            best = own[own["category"] == name]
            row = found.loc["one_per_unit", name]
            assert row["unique_detectors"] == best["concept"].nunique()
            assert row["detector_units"] == len(best)
            detecting = units[units[f"{name}_iou"] > MINIMUM]
            row = found.loc["one_per_category", name]
            assert row["unique_detectors"] == detecting[f"{name}_concept"].nunique()
            assert row["detector_units"] == len(detecting)
            overall += detecting[f"{name}_concept"].nunique()
        assert found.loc[("one_per_category", "all"), "unique_detectors"] == overall
        for counting in ("one_per_unit", "one_per_category"):
            assert found.loc[(counting, "all"), "detector_units"] == len(own)
            assert found.loc[(counting, "all"), "share_of_units"] == len(own) / len(units)


def test_the_first_of_the_other_bases_is_the_networks_own(done):
    for network in DISSECTED:
        table = pd.read_csv(done / network / "dissection/rotations.csv")
        assert set(table["layer"]) == {"conv5"}
        whole = table[table["alpha"] == 1]
        assert set(whole["seed"]) == {0, 1}
        own = table[table["alpha"] == 0].set_index(["counting", "category"])
        expected = detectors_of(done, network, "conv5")
        assert len(own) == len(expected) == 14
        for column in ("unique_detectors", "detector_units", "units"):
            pd.testing.assert_series_equal(own[column], expected[column])
        for _, other in whole.groupby("seed"):
            other = other.set_index(["counting", "category"])["detector_units"]
            assert not other.equals(own["detector_units"])


def test_top_images_are_those_of_the_largest_recorded_responses(done):
    labelled = LabelledImages.open(done / "labelled_images")
    ids = labelled.stimuli.table["image_id"].to_numpy()
    for network, layer, path in layers_of(done, "top_images.parquet"):
        maps = Maps.open(done / network / "dissection/responses.json", layer, labelled)
        responses = np.concatenate([block for _, block in maps.blocks()])
        table = pd.read_parquet(path).set_index(["unit", "rank"])
        assert len(table) == 2 * maps.units
        largest = np.sort(responses.max(axis=(2, 3)), axis=0)[::-1]
        for (unit, rank), row in table.iterrows():
            assert row["response"] == largest[rank - 1, unit]
            (image,) = np.flatnonzero(ids == row["image_id"])
            assert responses[image, unit, row["y"], row["x"]] == row["response"]


def test_a_network_that_is_only_dissected_is_in_the_summary(done):
    summary = pd.read_csv(done / "summary.csv")
    assert set(summary["method"]) == {"dissection"}
    assert list(dict.fromkeys(summary["network"])) == list(DISSECTED)
    found = summary.set_index(["network", "measure", "group"])
    assert len(found) == 2 * 3 * 2
    for network, layers in DISSECTED.items():
        rotations = pd.read_csv(done / network / "dissection/rotations.csv")
        whole = rotations[(rotations["alpha"] == 1) & (rotations["category"] == "all")]
        for layer in layers:
            detectors = detectors_of(done, network, layer)
            share = found.loc[network, "detector_share", layer]
            assert share["value"] == detectors.loc[("one_per_unit", "all"), "share_of_units"]
            assert np.isnan(share["null_value"]) == (layer != "conv5")
            for counting in ("one_per_unit", "one_per_category"):
                row = found.loc[network, f"unique_detectors_{counting}", layer]
                assert row["value"] == detectors.loc[(counting, "all"), "unique_detectors"]
                null = whole.loc[whole["counting"] == counting, "unique_detectors"].mean()
                expected = null if layer == "conv5" else np.nan
                np.testing.assert_equal(row["null_value"], expected)


def test_pages_of_the_layers_of_a_network_lead_to_each_other(done):
    for network, layer, path in layers_of(done, "gallery.html"):
        text = path.read_text()
        links = [link for link in re.findall(r'href="([^"#]+)"', text) if "gallery" in link]
        targets = {(path.parent / link).resolve() for link in links}
        pages = {
            own.resolve() for name, _, own in layers_of(done, "gallery.html") if name == network
        }
        assert targets | {path.resolve()} == pages
        for said in (network, layer, "toybox"):
            assert said in text


def test_figures_get_the_tables_of_the_right_layers_and_networks(done, tmp_path, monkeypatch):
    monkeypatch.chdir(done.parent)
    plan, seen = plan_of(alone()), {}
    monkeypatch.setattr(dissected_networks_figures, "save", lambda figure, _: figure)
    monkeypatch.setattr(dissected_networks_figures, "networks", lambda t: seen.update(all=t))
    tables = [Path(path) for path in plan.tables("dissection", "detectors")]
    paths = {"tables": tables, "networks": [tmp_path / "figure.png"]}
    dissected_networks_figures.main(Job({}, 0, paths))
    for network, own in seen["all"].groupby("network"):
        expected = pd.read_csv(done / network / "dissection/detectors.csv")
        pd.testing.assert_frame_equal(own.drop(columns="network").reset_index(drop=True), expected)
    assert set(seen["all"]["network"]) == set(DISSECTED)

    def best_units(units, top_images, minimum):
        seen.update(units=units, top_images=top_images, minimum=minimum)

    monkeypatch.setattr(dissection_figures, "save", lambda figure, _: figure)
    monkeypatch.setattr(dissection_figures, "best_units", best_units)
    run(plan, only=("figures/dissection/small",))
    assert seen["minimum"] == MINIMUM
    for name, read in (("units.csv", read_units), ("top_images.parquet", pd.read_parquet)):
        together = seen[name.split(".")[0]]
        assert set(together["layer"]) == {"conv4", "conv5"}
        for layer, own in together.groupby("layer"):
            expected = read(done / "small/dissection" / layer / name)
            pd.testing.assert_frame_equal(own.drop(columns="layer"), expected)


def test_threads_change_nothing_in_the_counts(done, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    base = Path("results/small/dissection")
    base.mkdir(parents=True)
    Path("results/labelled_images").symlink_to(done / "labelled_images")
    for name in ("responses.zarr", "responses.json"):
        (base / name).symlink_to(done / "small/dissection" / name)
    jobs = ("dissection/small/conv5", "rotations/small/conv5")
    watched = run(plan_of(alone(threads=3)), only=jobs)
    assert [spec["threads"] for spec in watched.values()] == [3, 3]
    for file in ("counts.json", "units.csv", "detectors.parquet", "rotations.parquet"):
        expected = (done / "small/dissection/conv5" / file).read_bytes()
        assert (base / "conv5" / file).read_bytes() == expected, file


@pytest.mark.parametrize(
    ("folder", "name"), [("data/broden.v1", "broden.v1"), ("data/set/", "set")]
)
def test_folders_keep_their_dots(folder, name):
    assert name_of(BrodenFolder(source="folder", folder=folder)) == name


def test_no_more_than_all_units_detect():
    units = 10
    total = Counts(np.full((units, 2), 5) * [0, 1], np.full((units, 1), 5), np.array([0, 5]))
    concepts = Concepts(("object",), np.array([-1, 0]), ("", "dog"))
    detecting = np.array([10] * 8 + [6] * 2)
    own = Detectors(np.ones((10, 1), int), detecting[:, None], detecting)
    drawn = Resampled(np.ones((10, units)), np.ones(units), dict.fromkeys(COUNTINGS, own))
    table = detector_table("conv", total, concepts, drawn, 0.04)
    assert (table["share_of_units"] == 1).all()
    assert (table["share_high"] <= 1).all(), table["share_high"].tolist()
