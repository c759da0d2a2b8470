"""A batch for which the memory of a GPU does not suffice passes in halves, and nothing else changes."""

import logging
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small import CATEGORIES, CPU, SUPER_CATEGORIES, linear_stage, network_of, new, stimulus_set

from anatomy.errors import InputError
from anatomy.halving import Halving
from anatomy.identity.features import mean_responses
from anatomy.identity.lesions import Dose, Lesion, ShownPairs, decisions
from anatomy.meter import Meter
from anatomy.neuron_lesions import NeuronLesions
from anatomy.neurons import Neurons
from anatomy.output_units import CONVOLUTION, EXTRACTION, FULLY_CONNECTED, OutputUnits
from anatomy.recognition import Recognition
from anatomy.recording import Recording, arrays_to_record, record
from anatomy.scores import contributions, score_weights
from anatomy.top_images import top_images
from anatomy.training import LabelledImages, accuracy
from anatomy.unit_lesions import UnitLesion, UnitLesions, response_moments

BATCH, ENOUGH_FOR = 8, 3


@pytest.fixture(autouse=True)
def no_collection(monkeypatch):
    """Looking for garbage takes a third of a second with all these libraries loaded."""
    monkeypatch.setattr("anatomy.halving.gc", SimpleNamespace(collect=lambda: 0))


def out_of_memory(wanted="20.00 GiB"):
    return torch.OutOfMemoryError(
        f"CUDA out of memory. Tried to allocate {wanted}. GPU 0 has a total capacity of 10.00 GiB of which 1.00 GiB is "
        "free. Including non-PyTorch memory, this process has 9.00 GiB memory in use. See documentation"
    )


class Memory:
    """A GPU's memory that suffices for so many images at once in any convolution or linear layer."""

    def __init__(self, monkeypatch):
        self._patch = monkeypatch
        self.refused = 0

    def limit(self, images):
        for name in ("conv2d", "linear"):
            self._patch.setattr(torch.nn.functional, name, self._limited(name, images))

    def _limited(self, name, images):
        whole = getattr(torch.nn.functional, name)

        def layer(values, *arguments, **options):
            if len(values) > images:
                self.refused += 1
                raise out_of_memory()
            return whole(values, *arguments, **options)

        return layer


@pytest.fixture
def memory(monkeypatch):
    return Memory(monkeypatch)


@settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 3))
def test_parts_are_the_batch_and_the_size_is_remembered(images, fits, more):
    values = torch.randn(images, 2)
    halving, sizes = Halving(), []

    def double(batch, named):
        if len(batch) > fits:
            raise out_of_memory()
        sizes.append(len(batch))
        return 2 * batch, [{"same": named["x"]}]

    for _ in range(1 + more):
        found, [named] = halving(double, values, {"x": values.numpy()})
        assert torch.equal(found, 2 * values)
        np.testing.assert_array_equal(named["same"], values.numpy())
    halved = images
    while halved > fits:
        halved //= 2
    assert sizes == (1 + more) * (
        images // halved * [halved] + [images % halved][: images % halved]
    )


def test_what_fits_passes_as_it_is():
    batch = torch.randn(5, 2)
    seen = []
    assert Halving()(lambda own: seen.append(own), batch) is None
    (own,) = seen
    assert own is batch


def test_it_is_said_once_from_what_to_what(caplog):
    halving = Halving()

    def show(batch):
        if len(batch) > ENOUGH_FOR:
            raise out_of_memory()

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            halving(show, np.arange(16))
    (message,) = caplog.messages
    assert "for 16 images at once, but enough for 2: compute.batch_size could be lowered" in message


def test_one_image_too_many_is_an_error_with_a_name():
    def show(batch):
        raise out_of_memory()

    with pytest.raises(InputError, match=r"one image at a time.*compute\.batch_size.*gpu=0"):
        Halving()(show, np.arange(16))


@pytest.mark.parametrize(
    "error", [ValueError("x"), RuntimeError("shapes do not fit"), InputError()]
)
def test_other_errors_are_not_taken_for_it(error):
    calls = []

    def show(batch):
        calls.append(batch)
        raise error

    with pytest.raises(type(error)) as raised:
        Halving()(show, np.arange(16))
    assert raised.value is error
    assert len(calls) == 1


def test_libraries_beside_pytorch_run_out_of_memory_too():
    messages = [
        "CUDA error: out of memory\nSearch for `cudaErrorMemoryAllocation'",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    ]
    for message in messages:

        def show(batch, message=message):
            if len(batch) > ENOUGH_FOR:
                raise RuntimeError(message)
            return batch

        assert Halving()(show, np.arange(9)).tolist() == list(range(9))


# --- every part of the library that shows images


@pytest.fixture(scope="module")
def stimuli(tmp_path_factory):
    return stimulus_set(tmp_path_factory.mktemp("stimuli"))


@pytest.fixture(scope="module")
def network():
    return network_of(new("alexnet"))


@pytest.fixture(scope="module")
def recording(network, stimuli, tmp_path_factory):
    return recorded(network, stimuli, tmp_path_factory.mktemp("recording"))


def recorded(network, stimuli, folder):
    groups = [linear_stage(network), [layer.name for layer in network.layers]]
    wanted = {"extraction": groups, "evaluation": [*groups, ["conv2"]]}
    arrays = arrays_to_record(network, wanted, ["conv1", "fc4"], "float32")
    files = folder / "x.zarr", folder / "x.json"
    record(network, stimuli, arrays, BATCH, *files)
    return Recording(*files, network, stimuli)


def shown_recording(network, stimuli, _recording, folder):
    found = recorded(network, stimuli, folder)
    return [
        found.logits("evaluation"),
        *(found.response("extraction", layer)[:] for layer in ("conv1", "fc4")),
    ]


def shown_top_images(network, stimuli, *_):
    table = top_images(network, stimuli, "extraction", BATCH, 3)
    return [table.drop(columns=["layer", "image_id"]).fillna(-1).to_numpy(float)]


def shown_features(network, stimuli, *_):
    return [*mean_responses(network, stimuli, ["conv2", "fc3"], BATCH).values()]


def shown_recognition(network, stimuli, *_):
    engine = NeuronLesions(network, Neurons({"conv2": (12, 3, 3), "fc4": (15,)}))
    rows = stimuli.rows("evaluation")
    lesions = [np.random.default_rng(n).random(engine.neurons.count) < 0.5 for n in range(3)]
    super_categories = {c: SUPER_CATEGORIES.get(c, "inanimate") for c in CATEGORIES}
    hits = Recognition(network, stimuli, rows, super_categories, BATCH).measure(engine, lesions)
    return [part for own in hits.values() for part in (own.intact, own.lesioned)]


class Reader:
    """In the place of a readout: keeps the features that it is given."""

    def __init__(self, features):
        self.centre = np.zeros(features)
        self.read = []

    def decide(self, first, second):
        self.read += [first, second]
        return first[:, 0] > 0


def shown_lesions_of_units(network, stimuli, *_):
    rows = stimuli.rows("extraction")
    pairs = ShownPairs(pd.DataFrame({"image_a": rows[:-1], "image_b": rows[1:]}))
    order = np.random.default_rng(0).permutation(12)
    units = [UnitLesion(order, 0), UnitLesion(order, 6), UnitLesion(order, 6, 0.7, ("noise", 1))]
    lesions = [Lesion("random", Dose("noise", 0.5, own.count, own.noise), 0, own) for own in units]
    engine, reader = UnitLesions(network, "conv2", "fc4", np.ones(12)), Reader(15)
    decisions(engine, network, stimuli, pairs, reader, lesions, BATCH)
    assert len(reader.read) == 2 * len(units)
    return reader.read


def shown_moments(network, stimuli, *_):
    rows = stimuli.rows("extraction")
    batches = (network.input(stimuli.images(rows[s : s + BATCH])) for s in range(0, 20, BATCH))
    return list(response_moments(network, "conv2", batches))


def shown_scores(network, stimuli, *_):
    images = network.input(stimuli.images(stimuli.rows("extraction")[:BATCH]))
    layers = ["conv1", "conv2", "fc3", "fc5"]
    scores = score_weights(network, images, 1, "absolute_per_image", layers)
    sample = {"conv2": torch.arange(50), "fc3": torch.arange(50)}
    own = contributions(network, images, 1, "signed", sample).values()
    dense = [scores[name].dense(network.module(name).weight) for name in layers]
    return [*dense, *own]


def shown_circuits(network, stimuli, recording, _folder):
    units = OutputUnits(network, stimuli, recording, linear_stage(network), BATCH)
    masks = {name: network.module(name).weight > 0 for name in ("conv2", "fc3")}
    fully_connected = units.target_logit(2, FULLY_CONNECTED, EXTRACTION)
    whole = units.target_logit(2, CONVOLUTION, EXTRACTION)
    return [fully_connected({"fc3": masks["fc3"]}), whole(masks)]


def shown_meter(network, stimuli, recording, _folder):
    measured = Meter(network, stimuli, recording, None, BATCH).measure("conv2")
    return [measured.sensitivity]


def shown_accuracy(network, stimuli, *_):
    rows = stimuli.rows("evaluation")
    labelled = LabelledImages(stimuli.images(rows), stimuli.outputs(rows, network.categories))
    return [accuracy(network.graph, network.preprocessing, labelled, BATCH, CPU)]


SHOWN = [value for name, value in list(globals().items()) if name.startswith("shown_")]


@pytest.mark.parametrize("show", SHOWN, ids=lambda show: show.__name__.removeprefix("shown_"))
def test_results_are_those_of_whole_batches(show, network, stimuli, recording, memory, tmp_path):
    (tmp_path / "whole").mkdir()
    (tmp_path / "halves").mkdir()
    expected = show(network, stimuli, recording, tmp_path / "whole")
    memory.limit(ENOUGH_FOR)
    found = show(network, stimuli, recording, tmp_path / "halves")
    assert memory.refused
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-4, atol=1e-6)
