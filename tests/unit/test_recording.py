"""Recordings hold what the network computes, and suffixes that read them give its logits."""

import copy

import numpy as np
import pytest
import torch
from small import CATEGORIES, MODELS, linear_stage, network_of, new, stimulus_set
from torch import nn

from anatomy import recording as recording_module
from anatomy.canonical import read_json
from anatomy.errors import InputError
from anatomy.networks.network import Network
from anatomy.recording import Batches, Recording, arrays_to_record, provenance, record
from anatomy.stimuli.stimulus_set import Item, StimulusSet, write_stimulus_set
from anatomy.store import open_store, read_array

BATCH = 6
MEASURED = ("extraction", "evaluation")


@pytest.fixture(scope="module")
def stimuli(tmp_path_factory):
    return stimulus_set(tmp_path_factory.mktemp("stimuli"))


def paths(folder):
    return folder / "noise.zarr", folder / "noise.json"


def all_groups(network):
    """What circuits and knock-outs read: both stages, and every layer by itself."""
    layers = [layer.name for layer in network.layers]
    return [linear_stage(network), layers, *([layer] for layer in layers)]


def make(folder, network, stimuli, responses=(), dtype="float32"):
    splits = {split: all_groups(network) for split in MEASURED}
    arrays = arrays_to_record(network, splits, responses, dtype)
    return record(network, stimuli, arrays, BATCH, *paths(folder))


def inputs(network, stimuli, split, batch=BATCH):
    """Network input of a split, in the batches of a recording."""
    rows = stimuli.rows(split)
    return [
        network.input(stimuli.images(rows[start : start + batch]))
        for start in range(0, len(rows), batch)
    ]


def outputs_of_modules(model, batches):
    """Name of each module -> its output for all images, by plain hooks on the untouched model."""
    kept = {name: [] for name, _ in model.named_modules()}

    def keep(name):
        # cloned at once: the model's in-place operations write over it
        return lambda _module, _inputs, output: kept[name].append(output.clone())

    hooks = [module.register_forward_hook(keep(name)) for name, module in model.named_modules()]
    with torch.no_grad():
        for batch in batches:
            model(batch)
    for hook in hooks:
        hook.remove()
    return {name: torch.cat(values).numpy() for name, values in kept.items() if values}


@pytest.fixture(scope="module")
def model():
    return new("alexnet")


@pytest.fixture(scope="module")
def network(model):
    return network_of(model)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, network, stimuli):
    folder = tmp_path_factory.mktemp("finished")
    make(folder, network, stimuli, ["conv1", "conv2", "fc4", "fc5"], "float16")
    return folder


@pytest.mark.parametrize("split", MEASURED)
def test_values_are_those_of_plain_hooks(model, network, stimuli, finished, split):
    expected = outputs_of_modules(model, inputs(network, stimuli, split))
    group = open_store(*paths(finished), {})
    np.testing.assert_array_equal(read_array(group, f"{split}/logits")[:], expected["fc5"])
    names = sorted(group[f"{split}/values"])
    # what the suffixes of [fc3, fc4, fc5], [conv2], [fc3], [fc4] and [fc5] read, by hand
    assert names == ["flatten", "pool1", "relu3", "relu4"]
    for name in names:
        array = read_array(group, f"{split}/values/{name}")
        assert array.dtype == np.float32
        read = expected["drop3"] if name == "relu3" else expected[name]
        np.testing.assert_array_equal(array[:], read, err_msg=name)


@pytest.mark.parametrize(
    ("layer", "behind"), [("conv1", "relu1"), ("fc4", "relu4"), ("fc5", "fc5")]
)
def test_responses_are_rounded_and_behind_the_non_linearity(
    model, network, stimuli, finished, layer, behind
):
    expected = outputs_of_modules(model, inputs(network, stimuli, "evaluation"))[behind]
    array = read_array(open_store(*paths(finished), {}), f"evaluation/responses/{layer}")
    np.testing.assert_array_equal(array[:], expected.astype(np.float16))
    assert array.attrs["value"] == behind
    axes = ["image", "channel", "y", "x"] if layer == "conv1" else ["image", "unit"]
    assert array.attrs["axes"] == axes


def test_responses_in_full_precision(tmp_path, model, network, stimuli):
    make(tmp_path, network, stimuli, ["conv2"], "float32")
    expected = outputs_of_modules(model, inputs(network, stimuli, "extraction"))["relu2"]
    array = read_array(open_store(*paths(tmp_path), {}), "extraction/responses/conv2")
    np.testing.assert_array_equal(array[:], expected)


@pytest.mark.parametrize("kind", list(MODELS))
def test_suffixes_of_a_recording_give_the_logits_of_the_whole_network(tmp_path, stimuli, kind):
    model = new(kind)
    network = network_of(model)
    make(tmp_path, network, stimuli)
    made = Recording(*paths(tmp_path), network, stimuli)
    for split in MEASURED:
        with torch.no_grad():
            expected = torch.cat([model(batch) for batch in inputs(network, stimuli, split)])
        assert expected.std(0).min() > 0
        np.testing.assert_array_equal(made.logits(split), expected.numpy())
        for group in all_groups(network):
            suffix = network.suffix(group)
            batches = made.batches(split, suffix.boundary, BATCH)
            with torch.inference_mode():
                logits = torch.cat([suffix(values) for values in batches])
            torch.testing.assert_close(logits, expected, rtol=1e-6, atol=1e-6)


def test_some_images_in_any_order(network, stimuli, finished):
    made = Recording(*paths(finished), network, stimuli)
    chosen = np.array([24, 0, 3, 4, 17, 9, 11])
    for group in (["fc3"], ["conv2"], ["conv1"]):
        suffix = network.suffix(group)
        with torch.inference_mode():
            batches = made.batches("evaluation", suffix.boundary, 3, chosen)
            assert [len(next(iter(values.values()))) for values in batches] == [3, 3, 1]
            logits = torch.cat([suffix(values) for values in batches]).numpy()
        np.testing.assert_allclose(logits, made.logits("evaluation")[chosen], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("kept", "loads"), [(0, [2, 2, 1] * 3), (24, [2, 2, 1, 2, 2]), (99, [2, 2, 1])]
)
def test_batches_are_kept_in_memory_while_they_are_small(monkeypatch, kept, loads):
    monkeypatch.setattr(recording_module, "KEPT_BYTES", kept)
    loaded = []

    def load(rows):
        loaded.append(rows.stop - rows.start)
        return {
            "x": torch.arange(rows.start, rows.stop, dtype=torch.float32)[:, None] * torch.ones(2)
        }

    batches = Batches(load, images=5, batch_size=2)
    for _ in range(3):
        assert torch.cat([values["x"] for values in batches])[:, 1].tolist() == [0, 1, 2, 3, 4]
    assert loaded == loads


def test_a_recording_of_another_network_or_of_other_stimuli_is_refused(
    tmp_path, network, stimuli, finished
):
    with pytest.raises(InputError, match=r"noise\.zarr: made with network"):
        Recording(*paths(finished), network_of(new("alexnet", seed=1)), stimuli)
    with pytest.raises(InputError, match=r"noise\.zarr: made with stimuli"):
        Recording(*paths(finished), network, stimulus_set(tmp_path, seed=1))


def test_the_same_pixels_with_another_split_are_other_stimuli(tmp_path, network, stimuli, finished):
    """Which image is a category's and a split's belongs to the stimuli, not the pixels alone."""
    rows = stimuli.table.drop(columns="digest")
    moved = rows.copy()
    moved.loc[np.flatnonzero(rows["split"] == "evaluation")[:1], "split"] = "extraction"
    pixels = dict(zip(rows["image_id"], stimuli.images(slice(None)), strict=True))
    for changed in (moved, rows.replace({"category": {"dog": "cat", "cat": "dog"}})):
        items = [Item(**row) for row in changed.to_dict("records")]
        files = tmp_path / "a.zarr", tmp_path / "a.json", tmp_path / "a.csv"
        write_stimulus_set(*files, items, lambda item: pixels[item.image_id], 20, {"seed": 0})
        with pytest.raises(InputError, match="made with stimuli"):
            Recording(*paths(finished), network, StimulusSet.open(*files))


class Interrupting(Network):
    """A network whose input is asked for so many times at most."""

    left: int = 0

    def input(self, images):
        Interrupting.left -= 1
        if Interrupting.left < 0:
            raise KeyboardInterrupt
        return super().input(images)


@pytest.mark.parametrize("batches", [0, 1, 3, 5])
def test_an_interrupted_and_resumed_recording_is_the_same(
    tmp_path, network, stimuli, finished, batches
):
    responses = ["conv1", "conv2", "fc4", "fc5"]
    Interrupting.left = batches
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, Interrupting(**vars(network)), stimuli, responses, "float16")
    assert not any(path.exists() for path in paths(tmp_path))
    Interrupting.left = 9 - batches  # 20 and 25 images in batches of 6
    make(tmp_path, Interrupting(**vars(network)), stimuli, responses, "float16")
    assert Interrupting.left == 0
    assert contents(tmp_path) == contents(finished)


def contents(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_manifest_says_what_the_recording_is_made_from(network, stimuli, finished):
    described = read_json(paths(finished)[1])["provenance"]
    assert described == provenance(network, stimuli) | {"batch_size": BATCH}
    assert described["stimuli"] == stimuli.digest


class Counting(nn.Module):
    """Reads the number of images from its input, as transformers do."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3)
        self.fc = nn.Linear(2 * 14 * 14, len(CATEGORIES))

    def forward(self, x):
        """Logits."""
        images = x.shape[0]
        return self.fc(self.conv(x).reshape(images, -1))


class Positions(nn.Module):
    """Adds a table that does not depend on the images."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.ones(1, 4))
        self.fc1 = nn.Linear(3 * 16 * 16, 4)
        self.fc2 = nn.Linear(4, len(CATEGORIES))

    def forward(self, x):
        """Logits."""
        return self.fc2(self.fc1(torch.flatten(x, 1)) + torch.exp(self.table))


@pytest.mark.parametrize(("odd", "name"), [(Counting, "getitem"), (Positions, "exp")])
def test_a_value_that_is_not_one_tensor_per_image_is_named(tmp_path, stimuli, odd, name):
    network = network_of(odd())
    arrays = arrays_to_record(network, {"extraction": [[network.layers[0].name]]}, [], "float32")
    with pytest.raises(InputError, match=rf"network 'small' cannot be recorded: .*'{name}'"):
        record(network, stimuli, arrays, BATCH, *paths(tmp_path))


def test_the_untouched_model_is_not_changed_by_its_recording(tmp_path, stimuli):
    model = new("residual")
    before = copy.deepcopy(model.state_dict())
    make(tmp_path, network_of(model), stimuli)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
