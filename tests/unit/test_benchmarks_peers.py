"""The project's steps and what they are compared with give the same numbers, on few pictures."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from comparisons import knockouts, masks, recordings, reduction, scores, unit_lesions
from subject import Subject, load_alexnet, write_pictures
from torch_settings import torch_as_it_was

from anatomy.networks.network import Network

PICTURES = 10


class Kept(Subject):
    """A quick subject whose network is made once."""

    def network(self) -> Network:
        return network()


@cache
def network() -> Network:
    return load_alexnet(None)


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    manifest = write_pictures(tmp_path_factory.mktemp("pictures"), None, PICTURES)
    with torch_as_it_was():
        yield Kept(None, manifest, threads=1, quick=True)


def test_scores_of_weights_add_up_to_captums_attributions(subject: Subject) -> None:
    assert scores.largest_difference(subject) < 1e-5


@pytest.mark.parametrize("layer", ["conv5", "fc6"])
def test_lesions_of_units_are_captums(subject: Subject, layer: str, tmp_path: Path) -> None:
    case = unit_lesions.Case(subject, layer)
    ours, theirs = (make(case)(tmp_path) for make in (unit_lesions.ours, unit_lesions.captum))
    assert ours.shape == theirs.shape == (case.units + 1, case.images)
    # most units of an untrained network matter
    assert np.count_nonzero(theirs) > theirs.size / 2
    np.testing.assert_allclose(ours, theirs, atol=1e-5 * np.abs(theirs).max())


def test_masks_are_those_of_pytorch(subject: Subject, tmp_path: Path) -> None:
    whole = {name: own.weight.clone() for name, own in convolutions().items()}
    ours, theirs = (make(subject)(tmp_path) for make in (masks.one_mask, masks.one_pruned))
    assert sum(int(np.bitwise_count(bits).sum()) for bits in ours.values()) > 0
    for name, bits in ours.items():
        np.testing.assert_array_equal(bits, theirs[name])
    # and the network is as it was
    for name, own in convolutions().items():
        assert (own.weight == whole[name]).all()
        assert sorted(key for key, _ in own.named_parameters()) == ["bias", "weight"]


def convolutions() -> dict:
    own = network()
    return {
        layer.name: own.module(layer.name) for layer in own.layers if layer.kind == "convolution"
    }


def test_logits_under_masks_are_those_of_pytorch(subject: Subject, tmp_path: Path) -> None:
    ours, theirs = (make(subject)(tmp_path) for make in (masks.all_logits, masks.all_pruned_logits))
    # masks matter
    assert np.abs(theirs[0] - theirs[-1]).max() > 1e-3
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_recorded_responses_are_those_of_hooks(subject: Subject, tmp_path: Path) -> None:
    case = recordings.Case(subject, "float32")
    folders = tmp_path / "ours", tmp_path / "hooks"
    for folder in folders:
        folder.mkdir()
    ours, theirs = recordings.recorded(case)(folders[0]), recordings.mapped(subject)(folders[1])
    assert list(ours) == list(theirs)
    for layer, responses in ours.items():
        assert responses.any(), layer
        np.testing.assert_array_equal(responses, theirs[layer])


def test_knocked_out_networks_recognise_as_many_images(subject: Subject, tmp_path: Path) -> None:
    ours, theirs = (make(subject)(tmp_path) for make in (knockouts.ours, knockouts.plain))
    assert len(ours) == 2 * 2 * 3
    # some of the lesions matter
    assert ours.max() == 1
    assert ours.min() < 1
    np.testing.assert_array_equal(ours, theirs)


def test_a_method_that_is_not_installed_is_left_out_with_a_sentence(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reduction, "NEEDS", {"flat": "no_such_package"})
    monkeypatch.setattr(reduction, "OTHERS", {"flat": "flat"})
    monkeypatch.setattr(reduction, "in_own_process", lambda work, *given: work(*given))
    monkeypatch.setattr(reduction, "measure", lambda *_: None)
    assert [*reduction.rows(subject)] == [
        "no_such_package is left out: it is not installed (`pip install faiss-cpu`)."
    ]
