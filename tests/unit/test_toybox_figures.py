"""The contact sheet and the label overlays of the toybox."""

import numpy as np

from anatomy.figures.toybox import contact_sheet, label_overlays
from anatomy.stimuli.toybox import CATEGORIES, render_identity, render_object


def test_the_contact_sheet_shows_every_category_and_identity_as_rendered():
    figure = contact_sheet(2)
    strips = {axes.texts[0].get_text(): axes.images[0].get_array() for axes in figure.axes}
    assert set(strips) == {category.name for category in CATEGORIES} | {"face", "house"}
    for name in ("cat", "umbrella"):
        assert np.array_equal(strips[name][:, :64], render_object(name, 2, 0))
        assert np.array_equal(strips[name][:, -64:], render_object(name, 2, 5))
    assert np.array_equal(strips["face"][:, -64:], render_identity("face", 2, 1, 2))
    headings = {text.get_text().split()[0] for text in figure.texts}
    assert headings == {"animate", "inanimate", "identities"}


def test_the_overlays_show_six_concept_categories_with_their_names():
    figure = label_overlays(2)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    wanted = ["color", "object", "part", "material", "scene", "texture"]
    assert [title for title in titles if title] == ["image", *wanted]
    legends = [[text.get_text() for text in axes.texts] for axes in figure.axes if axes.texts]
    assert len(legends) == 6
    assert {category.name for category in CATEGORIES} & set(legends[1])
    assert all(not name.endswith(("-c", "-s")) for legend in legends for name in legend)
