"""Training learns, repeats exactly for a seed, and varies images only by mirroring and shifting them."""

import dataclasses
from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small import CPU

from anatomy import training
from anatomy.networks.network import new_model
from anatomy.networks.preprocessing import Preprocessing
from anatomy.training import LabelledImages, Settings, accuracy, train, varied

SIZE = 64
PLAIN = Preprocessing(input_size=SIZE, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
USUAL = Settings(epochs=4, batch_size=8, learning_rate=0.002, weight_decay=0.02, seed=0)


def two_categories(count, seed, flipped=False):
    """Bright and dark noise, which any network can tell apart."""
    random = np.random.default_rng(seed)
    outputs = np.arange(count) % 2
    images = random.integers(0, 90, (count, SIZE, SIZE, 3)) + 150 * outputs[:, None, None, None]
    return LabelledImages(images.astype(np.uint8), 1 - outputs if flipped else outputs)


def trained(settings=USUAL, images=None, held_out=None):
    """The trained network and its epochs."""
    epochs = []
    model = train(
        "toybox_alexnet",
        2,
        PLAIN,
        two_categories(16, 0) if images is None else images,
        two_categories(8, 1) if held_out is None else held_out,
        settings,
        CPU,
        epochs.append,
    )
    return model, epochs


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.fixture(scope="module")
def usual():
    return trained()


def test_separable_categories_are_learned(usual):
    model, epochs = usual
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3, 4]
    # chance is a loss of log 2
    assert epochs[0].loss == pytest.approx(np.log(2), abs=0.2)
    assert epochs[-1].loss < 0.3
    assert epochs[-1].training_accuracy == 1
    assert epochs[-1].held_out_accuracy == 1
    assert accuracy(model, PLAIN, two_categories(10, 5), 4, CPU) == 1


def test_held_out_accuracy_is_that_of_the_held_out_images(usual):
    _, epochs = trained(held_out=two_categories(8, 1, flipped=True))
    assert epochs[-1].training_accuracy == 1
    assert epochs[-1].held_out_accuracy == 0
    # what is held out is not learned from
    assert same(trained(held_out=two_categories(8, 1, flipped=True))[0], usual[0])


def test_a_seed_gives_the_same_network_whatever_was_drawn_before(usual):
    torch.rand(5)
    np.random.default_rng().random(3)
    again = trained()
    assert same(again[0], usual[0])
    assert again[1] == usual[1]
    assert not same(trained(dataclasses.replace(USUAL, seed=1))[0], usual[0])


@pytest.mark.parametrize("batch", [1, 4, 100])
def test_accuracy_is_counted_right_in_batches(usual, batch):
    bright_or_dark = two_categories(9, 3)
    labels = np.array([0, 1, 0, 0, 0, 1, 1, 1, 0])  # those of images 3 and 6 are wrong
    mixed = LabelledImages(bright_or_dark.images, labels)
    assert accuracy(usual[0], PLAIN, mixed, batch, CPU) == pytest.approx(7 / 9)


def test_accuracy_is_that_of_the_network_without_dropout():
    """An untrained network is so undecided that dropout would change what it says."""
    model = new_model("toybox_alexnet", 12, seed=0).eval()
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (40, SIZE, SIZE, 3), dtype=np.uint8)
    with torch.inference_mode():
        logits = model(PLAIN.apply(images, CPU))
    said = LabelledImages(images, logits.argmax(1).numpy())
    assert accuracy(model.train(), PLAIN, said, 40, CPU) == 1


@pytest.mark.parametrize(("images", "epochs"), [(1, 1), (2, 1), (3, 5), (5, 1), (5, 2), (17, 1)])
def test_any_number_of_steps(images, epochs):
    """PyTorch's schedule divides by zero for five steps and a warm-up of a fifth."""
    settings = dataclasses.replace(USUAL, epochs=epochs, batch_size=1 if images < 17 else 8)
    model, found = trained(settings, images=two_categories(images, 0))
    assert len(found) == epochs
    assert all(torch.isfinite(parameter).all() for parameter in model.parameters())


def test_every_image_is_shown_once_in_each_pass(monkeypatch):
    shown = []

    def keep(images, _random):
        shown.append(images[:, 0, 0, 0].tolist())
        return images

    monkeypatch.setattr(training, "varied", keep)
    images = np.zeros((10, SIZE, SIZE, 3), np.uint8)
    images += np.arange(10, dtype=np.uint8)[:, None, None, None]
    settings = dataclasses.replace(USUAL, epochs=2, batch_size=4)
    trained(settings, images=LabelledImages(images, np.arange(10) % 2))
    assert [len(batch) for batch in shown] == [4, 3, 3, 4, 3, 3]
    expected = sorted(PLAIN.apply(images, CPU)[:, 0, 0, 0].tolist())
    passes = [list(chain(*shown[:3])), list(chain(*shown[3:]))]
    assert [sorted(seen) for seen in passes] == [expected, expected]
    assert passes[0] != passes[1]


def shifted(image, top, left):
    """An image moved by whole pixels, its edges repeated; plain loops."""
    _, height, width = image.shape
    rows = [min(max(y + top, 0), height - 1) for y in range(height)]
    columns = [min(max(x + left, 0), width - 1) for x in range(width)]
    return image[:, rows][:, :, columns]


@given(st.integers(0, 2**32), st.sampled_from([8, 16, 20]))
def test_images_are_only_mirrored_and_shifted_together(seed, size):
    images = torch.rand(4, 3, size, size, generator=torch.Generator().manual_seed(seed % 100))
    found = varied(images, np.random.default_rng(seed))
    assert found.shape == images.shape
    reach = size // 8
    shifts = []
    for image, result in zip(images, found, strict=True):
        shifts.append(
            {
                (top, left)
                for top in range(-reach, reach + 1)
                for left in range(-reach, reach + 1)
                for own in (image, image.flip(2))
                if torch.equal(shifted(own, top, left), result)
            }
        )
    assert set.intersection(*shifts)


def test_all_shifts_and_both_sides_occur():
    image = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    random = np.random.default_rng(0)
    found = {varied(image, random)[0].numpy().tobytes() for _ in range(300)}
    assert len(found) == 2 * 3 * 3
