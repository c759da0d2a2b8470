"""An architecture in the user's file: found, remembered, kept with the network, or refused in one sentence."""

import copy
import os
from pathlib import Path

import pytest
import torch
from torch import nn

from anatomy.canonical import read_json, write_json
from anatomy.config import given_architectures, resolution
from anatomy.config.checks import check
from anatomy.config.given_architectures import MEMORY, given_architecture, with_kept_architectures
from anatomy.config.validation import validate
from anatomy.errors import InputError
from anatomy.networks.architecture_file import ArchitectureFile
from anatomy.networks.file_layers import answer
from anatomy.networks.network import load_network, new_model, save_network
from anatomy.networks.preprocessing import Preprocessing
from anatomy.plan import make_plan

CPU = torch.device("cpu")
FILE = Path("my_network.py")
PLAIN = Preprocessing(input_size=32, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
# the layers are defined in another order than the one in which an image passes through them
SOURCE = """
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Sizes:
    hidden: int = 7


class MyNetwork(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.last = nn.Linear(Sizes().hidden, outputs)
        self.hidden = nn.Linear(6 * 8 * 8, Sizes().hidden)
        self.stages = nn.Sequential(nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(5, 6, 3, 2, 1))

    def forward(self, images):
        return self.last(torch.relu(self.hidden(self.stages(images).flatten(1))))


def my_network(outputs):
    return MyNetwork(outputs)


SIZE = 3
"""
LAYERS = [
    ("stages.0", "convolution"),
    ("stages.2", "convolution"),
    ("hidden", "linear"),
    ("last", "linear"),
]


def configured():
    """A network that is trained, and its untrained twin."""
    return {
        "stimuli": {
            "toybox": {
                "source": "toybox",
                "categories": ["dog", "fish", "car"],
                "images": {"training": 4},
            }
        },
        "networks": {
            "mine": {
                "architecture": "my_network.py:my_network",
                "weights": "trained",
                "training": {"stimuli": "toybox"},
                "preprocessing": {"input_size": 32},
            },
            "twin": {"untrained_twin_of": "mine"},
        },
        "knockouts": {"stimuli": "toybox"},
    }


@pytest.fixture
def questions(tmp_path, monkeypatch):
    """A folder with the file in it; the questions for layers that are put to another process, answered by this one."""
    monkeypatch.chdir(tmp_path)
    FILE.write_text(SOURCE, encoding="utf-8")
    asked = []

    def answered(request):
        asked.append(request)
        return answer(request)

    monkeypatch.setattr(given_architectures, "_asked", answered)
    _begin_anew()
    return asked


def _begin_anew():
    """As a new process, which remembers only what is on disk."""
    for function in ("_found", "_read", "_answer_path"):
        getattr(given_architectures, function).cache_clear()


def plan(raw=None):
    configuration = validate(raw or configured())
    check(configuration)
    return make_plan(configuration)


def refusal(source=SOURCE, name="my_network", **network):
    """The sentence with which a file is refused, behind its key."""
    FILE.write_text(source, encoding="utf-8")
    raw = configured()
    raw["networks"]["mine"] |= {"architecture": f"{FILE}:{name}"} | network
    with pytest.raises(InputError) as error:
        plan(raw)
    key = "configuration: networks.mine.architecture: "
    assert str(error.value).startswith(key)
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(key)


# --- finding and remembering


def test_layers_come_in_the_order_in_which_images_pass_through_them(questions):
    configuration = validate(configured())
    assert resolution.layers(configuration, "mine") == LAYERS
    assert resolution.layers(configuration, "twin") == LAYERS


def test_another_process_finds_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _begin_anew()
    FILE.write_text(SOURCE + "\nprint('what the file prints is no answer')\n", encoding="utf-8")
    assert resolution.layers(validate(configured()), "mine") == LAYERS


def test_a_file_is_asked_about_once(questions):
    plan()
    assert [(q["name"], q["outputs"], q["input_size"]) for q in questions] == [
        ("my_network", 3, 32)
    ]
    plan()
    _begin_anew()
    os.utime(FILE, (1, 1))
    plan()
    assert len(questions) == 1


def test_what_decides_the_answer_is_asked_about_anew(questions, monkeypatch):
    plan()
    raw = configured()
    raw["networks"]["mine"]["preprocessing"]["input_size"] = 30
    plan(raw)
    raw["stimuli"]["toybox"]["categories"].append("cup")
    plan(raw)
    FILE.write_text(SOURCE.replace("(5, 6, 3", "(5, 6, 1").replace(", 2, 1)", ", 2)"), "utf-8")
    plan(raw)
    _begin_anew()
    monkeypatch.setattr(given_architectures, "version", lambda package: "of another time")
    plan(raw)
    assert len(questions) == 5


def test_a_refused_file_is_asked_about_again(questions):
    """What was wrong may lie elsewhere: a package that has been installed since."""
    for _ in range(2):
        assert refusal("import no_such_package\n")
    assert len(questions) == 2
    assert not MEMORY.exists()


def test_a_configuration_without_such_files_asks_nothing(questions):
    raw = configured()
    raw["networks"]["mine"] |= {"architecture": "toybox_alexnet", "preprocessing": {}}
    assert "source" not in plan(raw).specs["network/mine"]
    assert with_kept_architectures(raw) == raw
    assert not questions
    assert not MEMORY.exists()


def test_a_folder_that_cannot_be_written_is_planned_without_a_memory(questions, monkeypatch):
    def full(path, value):
        raise InputError("cannot be written")

    monkeypatch.setattr(given_architectures, "write_json", full)
    plan()
    plan()
    assert len(questions) == 1


# --- specs


def test_the_text_is_a_setting_and_the_place_is_not(questions):
    before = plan().specs
    assert before["network/mine"]["source"] == SOURCE
    assert before["network/twin"]["source"] == SOURCE
    assert before["network/twin"]["weights"] == "untrained"
    Path("models").mkdir()
    FILE.rename("models/other.py")
    raw = configured()
    raw["networks"]["mine"]["architecture"] = "models/other.py:my_network"
    assert plan(raw).specs == before
    Path("models/other.py").write_text(SOURCE + "# edited\n", encoding="utf-8")
    after = plan(raw).specs
    assert {job for job in before if before[job] != after[job]} == {"network/mine", "network/twin"}


def test_usual_preprocessing_is_that_of_torchvision(questions):
    raw = configured()
    raw["networks"]["mine"]["preprocessing"] = {"mean": [0, 0, 0]}
    assert resolution.preprocessing(validate(raw), "mine") == {
        "input_size": 224,
        "mean": [0, 0, 0],
        "std": [0.229, 0.224, 0.225],
        "channel_order": "rgb",
        "scale": 255.0,
    }


def test_jobs_plan_with_what_was_submitted(questions):
    """Whatever has become of the file since, and without asking anything."""
    submitted = with_kept_architectures(configured())
    planned = plan().specs
    FILE.write_text("raise RuntimeError", encoding="utf-8")
    _begin_anew()
    del questions[:]
    in_job = make_plan(validate(submitted), plans_anew=False).specs
    assert in_job["network/mine"] == planned["network/mine"]
    assert in_job["knockouts/mine/layers_0000"] == planned["knockouts/mine/layers_0000"]
    assert not questions


def test_what_was_submitted_leaves_the_configuration_as_it_is(questions):
    raw = configured()
    before = copy.deepcopy(raw)
    with_kept_architectures(raw)
    assert raw == before


# --- refusals


def test_what_is_no_file_is_named(questions):
    FILE.unlink()
    with pytest.raises(InputError) as error:
        plan()
    assert str(error.value) == (
        "configuration: networks.mine.architecture: there is no file 'my_network.py'"
    )


def test_a_file_without_a_name_is_told_how_to_write_it(questions):
    raw = configured()
    raw["networks"]["mine"]["architecture"] = "my_network.py"
    with pytest.raises(
        InputError, match=r"architecture: 'my_network\.py' is unknown;.*path/to/file\.py:name"
    ):
        plan(raw)


def test_torchvision_has_no_weights_for_it(questions):
    raw = configured()
    raw["networks"]["mine"] = {
        "architecture": "my_network.py:my_network",
        "weights": "torchvision",
        "preprocessing": {"input_size": 32},
    }
    with pytest.raises(
        InputError, match=r"networks\.mine\.weights: torchvision has no weights for my_network"
    ):
        plan(raw)


IN_TWO_LINES = "from torch import nn\nimport torch\n"
CONVOLUTION = "nn.Conv2d(3, outputs, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()"
REFUSED = {
    "no such name": (
        "class Mine:\n    pass\ndef other(outputs):\n    pass\n",
        "my_network.py: there is no function or class 'my_network' in it; it holds Mine, other",
    ),
    "not callable": (
        "my_network = 3\n",
        "my_network.py: there is no function or class 'my_network' in it; it holds none",
    ),
    "syntax": (
        "\ndef my_network(:\n",
        "my_network.py: cannot be run (SyntaxError: invalid syntax, line 2)",
    ),
    "error at import": (
        "\n\nvalue = 1 / 0\n",
        "my_network.py: cannot be run (ZeroDivisionError: division by zero, line 3)",
    ),
    "ends the process": (
        "import sys\nsys.exit('bye')\n",
        "my_network.py: cannot be run (SystemExit: bye, line 2)",
    ),
    "package": (
        "import no_such_package\n",
        "my_network.py: cannot import what it needs (ModuleNotFoundError: No module named 'no_such_package', line 1); "
        "beside installed packages it must stand by itself",
    ),
    "relative import": (
        "from . import layers\n",
        "my_network.py: cannot import what it needs (ImportError: attempted relative import",
    ),
    "no argument": (
        "def my_network():\n    pass\n",
        "my_network.py: my_network(3) fails (TypeError: my_network() takes 0 positional arguments but 1 was given); it "
        "is called with the number of output units",
    ),
    "error when built": (
        "def my_network(outputs):\n    raise ValueError('too\\nbad')\n",
        "my_network.py: my_network(3) fails (ValueError: too, line 2)",
    ),
    "no module": (
        "def my_network(outputs):\n    return [outputs]\n",
        "my_network.py: my_network(3) returns list, not a torch.nn.Module",
    ),
    "depends on values": (
        f"{IN_TWO_LINES}class my_network(nn.Module):\n    def __init__(self, outputs):\n        super().__init__()\n"
        "    def forward(self, images):\n        return images if images.sum() > 0 else -images\n",
        "my_network.py: torch.fx cannot trace my_network (TraceError: symbolically traced variables cannot be used as "
        "inputs to control flow, line 7); what it does must not depend on the values of an image",
    ),
    "no layers": (
        f"{IN_TWO_LINES}def my_network(outputs):\n    return nn.Flatten()\n",
        "my_network.py: my_network has no layers; layers are torch.nn.Conv2d and torch.nn.Linear",
    ),
    "input size": (
        f"{IN_TWO_LINES}def my_network(outputs):\n    return nn.Sequential(nn.Flatten(), nn.Linear(48, outputs))\n",
        "my_network.py: my_network cannot be shown colour images of 32 x 32 pixels (RuntimeError: mat1 and mat2 shapes "
        "cannot be multiplied (2x3072 and 48x3)); set preprocessing.input_size if it expects others",
    ),
    "number of outputs": (
        f"{IN_TWO_LINES}def my_network(outputs):\n    outputs = 4\n    return nn.Sequential({CONVOLUTION})\n",
        "my_network.py: my_network gives (2, 4) for 2 images, not (2, 3): one value for each image and each of the 3 "
        "output units",
    ),
    "two outputs": (
        f"{IN_TWO_LINES}class my_network(nn.Module):\n    def __init__(self, outputs):\n        super().__init__()\n"
        f"        self.all = nn.Sequential({CONVOLUTION})\n"
        "    def forward(self, images):\n        return self.all(images), images\n",
        "my_network.py: my_network gives tuple for 2 images, not (2, 3)",
    ),
    "last layer": (
        f"{IN_TWO_LINES}class my_network(nn.Module):\n    def __init__(self, outputs):\n        super().__init__()\n"
        "        self.conv = nn.Conv2d(3, 5, 1)\n"
        "    def forward(self, images):\n        return self.conv(images).mean((2, 3))[:, :3]\n",
        "my_network.py: the last layer of my_network, 'conv', has 5 units, but there are 3 output units",
    ),
}


@pytest.mark.parametrize(("source", "expected"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(questions, source, expected):
    assert refusal(source).startswith(expected)


def test_a_module_beside_the_file_is_not_found(tmp_path, monkeypatch):
    """`python -m` finds modules in the working directory, but no copy of them would be kept."""
    monkeypatch.chdir(tmp_path)
    _begin_anew()
    Path("parts_of_mine.py").write_text("", encoding="utf-8")
    expected = "my_network.py: cannot import what it needs (ModuleNotFoundError: No module named "
    assert refusal("import parts_of_mine\n").startswith(expected + "'parts_of_mine', line 1)")


def test_a_process_that_dies_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _begin_anew()
    text = refusal("import os\nos._exit(3)\n")
    assert text == (
        "my_network.py: the process that looks for its layers ended with status 3 (it says nothing)"
    )


def test_without_torch_one_sentence_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _begin_anew()
    monkeypatch.setattr(given_architectures, "find_spec", lambda package: None)
    expected = "my_network.py: to find its layers, PyTorch must be installed where Snakemake runs"
    assert refusal() == expected


def test_a_file_that_is_no_text_is_named(questions):
    FILE.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(InputError, match=r"my_network\.py: is no text in UTF-8"):
        given_architecture("my_network.py:my_network")


# --- kept with the network


def made(folder, source=SOURCE):
    """A network that is built from a text, described in a folder."""
    architecture = ArchitectureFile("my_network", source)
    model = new_model(architecture, 3, seed=1)
    return model, save_network(folder, architecture, model, PLAIN, list("abc"))


def test_a_network_is_built_from_the_copy_that_lies_with_it(tmp_path):
    model, described = made(tmp_path)
    network = load_network(tmp_path, "mine", CPU)
    assert (tmp_path / "architecture.py").read_text(encoding="utf-8") == SOURCE
    assert [(layer.name, layer.kind) for layer in network.layers] == LAYERS
    assert network.digest == described["digest"]
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(network.graph(images), model(images), rtol=0, atol=0)


def test_the_digest_of_a_network_covers_the_text(tmp_path):
    """The same weights, and a forward pass that does something else with them."""
    _, one = made(tmp_path / "one")
    _, other = made(tmp_path / "other", SOURCE.replace("torch.relu(", "torch.tanh("))
    assert one["weights"] == other["weights"]
    assert one["digest"] != other["digest"]


def test_a_copy_that_was_edited_is_refused(tmp_path):
    made(tmp_path)
    (tmp_path / "architecture.py").write_text(SOURCE + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"architecture\.py is not the file that network\.json"):
        load_network(tmp_path, "mine", CPU)


def test_a_name_of_torchvision_in_a_file_is_the_files(tmp_path):
    """Neither built as torchvision's nor with its names of layers."""
    source = SOURCE.replace("def my_network", "def alexnet")
    architecture = ArchitectureFile("alexnet", source)
    save_network(tmp_path, architecture, new_model(architecture, 3, 1), PLAIN, list("abc"))
    network = load_network(tmp_path, "mine", CPU)
    assert [layer.name for layer in network.layers] == [name for name, _ in LAYERS]


def test_the_copy_goes_when_the_network_is_another(tmp_path):
    made(tmp_path)
    model = new_model("toybox_alexnet", 3, 0)
    described = save_network(tmp_path, "toybox_alexnet", model, PLAIN, list("abc"))
    assert "source" not in described
    assert not (tmp_path / "architecture.py").exists()


def test_weights_depend_on_the_seed_alone(tmp_path):
    architecture = ArchitectureFile("MyNetwork", SOURCE)
    one, same, other = (new_model(architecture, 3, seed).state_dict() for seed in (5, 5, 6))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["last.weight"], other["last.weight"])


def test_a_network_made_of_torchvisions_can_be_named(questions):
    source = (
        "import torchvision\nfrom torch import nn\n\ndef my_network(outputs):\n"
        "    network = torchvision.models.squeezenet1_1(num_classes=outputs)\n"
        "    network.features[0] = nn.Conv2d(3, 64, 3)\n    return network\n"
    )
    FILE.write_text(source, encoding="utf-8")
    layers = resolution.layers(validate(configured()), "mine")
    assert (layers[0], layers[-1]) == (
        ("features.0", "convolution"),
        ("classifier.1", "convolution"),
    )
    assert isinstance(ArchitectureFile("my_network", source).build(3), nn.Module)


def test_answers_are_read_from_what_lies_on_disk(questions):
    """Planted: an answer that only the file can have given."""
    plan()
    (path,) = MEMORY.glob("*.json")
    write_json(path, read_json(path) | {"layers": [["planted", "convolution"], ["last", "linear"]]})
    _begin_anew()
    assert resolution.layers(validate(configured()), "mine")[0] == ("planted", "convolution")
