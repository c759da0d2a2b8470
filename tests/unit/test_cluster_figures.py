"""Figures of cluster lesions show the planted numbers, whatever there is to show."""

import io

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from PIL import Image

from anatomy.errors import InputError
from anatomy.figures import style
from anatomy.figures.cluster_categories import category_losses
from anatomy.figures.cluster_images import MOST_IMAGES, MOST_ROWS, hurt_images
from anatomy.figures.cluster_layers import layer_profile
from anatomy.figures.cluster_losses import MOST_CLUSTERS, MOST_OF_OTHERS, lesion_losses
from anatomy.figures.cluster_validation import distance_curves

ANIMATE, INANIMATE = "#b5482a", "#2a6496"
COLORS = {"animate": ANIMATE, "inanimate": INANIMATE}

# method -> k -> distances of the folds, animate hurt most in all but the last
FOLDS = {
    "gaussian_mixture": {2: [0.1, 0.12, 0.14], 3: [0.2, 0.22, 0.27]},
    "ward": {2: [0.3, 0.32, 0.4], 3: [0.05, 0.06, 0.07]},
    "hdbscan": {3: [0.15, 0.17]},
}
BEST = {"gaussian_mixture": 3, "ward": 2, "hdbscan": 3}
LEFT_OUT = {"gaussian_mixture": 0.0, "ward": 0.0, "hdbscan": 0.4}


def cv_table() -> pd.DataFrame:
    rows = []
    for method, by_k in FOLDS.items():
        for k, distances in by_k.items():
            for fold, distance in enumerate(distances, 1):
                last = fold == len(distances)
                rows.append(
                    {
                        "method": method,
                        "k": k,
                        "fold": fold,
                        "performance_distance": distance,
                        "cluster_neurons": 10,
                        "unclustered_fraction": LEFT_OUT[method],
                        "loss_animate": 0.01 if last else distance + 0.01,
                        "loss_inanimate": distance + 0.01 if last else 0.01,
                    }
                )
    return pd.DataFrame(rows)


def choice_table(chosen: str | None = "ward") -> pd.DataFrame:
    rows = [
        {
            "method": method,
            "k": k,
            "folds": len(distances),
            "eligible": len(distances) == 3,
            "performance_distance": np.mean(distances),
            "low": np.mean(distances) - 0.02,
            "high": np.mean(distances) + 0.03,
            "best_of_method": k == BEST[method],
            "chosen": k == BEST[method] and method == chosen,
            "unclustered_fraction": LEFT_OUT[method],
        }
        for method, by_k in FOLDS.items()
        for k, distances in by_k.items()
    ]
    return pd.DataFrame(rows)


# cluster -> neurons, loss of animate, loss of inanimate
CLUSTERS = {
    "1": (1000, 0.10, 0.08),
    "2": (41203, 0.02, 0.30),
    "3": (250, 0.15, -0.05),
    "never_active": (70, 0.0, 0.0),
}


def lesions_table(
    clusters: dict[str, tuple[int, float, float]] = CLUSTERS,
    method: str = "ward",
    chosen: bool = True,
) -> pd.DataFrame:
    rows = []
    for cluster, (neurons, animate, inanimate) in clusters.items():
        apart = cluster in ("noise", "never_active")
        rows.append(
            {
                "method": method,
                "k": sum(name.isdigit() for name in clusters),
                "chosen": chosen,
                "cluster": cluster,
                "neurons": neurons,
                "neuron_fraction": neurons / 100_000,
                "most_hurt": np.nan if apart else ("animate", "inanimate")[inanimate > animate],
                "performance_distance": abs(animate - inanimate),
                "selectivity": np.nan if apart else 0.75,
                "random_draws": 0 if apart else 200,
                "random_distance": np.nan if apart else 0.02,
                "random_distance_high": np.nan if apart else 0.04,
                "p_value": np.nan if apart else 0.005,
                "familywise_p_value": np.nan if apart else (0.5 if cluster == "1" else 0.015),
                "loss_animate": animate,
                "loss_inanimate": inanimate,
            }
        )
    return pd.DataFrame(rows)


def losses_row(lesion: pd.Series, recognised_as: str, kind: str, group: str, of: str, loss: float):
    random = {"random_loss": 0.03, "random_low": 0.01, "random_high": 0.06}
    return {
        "method": lesion["method"],
        "k": lesion["k"],
        "cluster": lesion["cluster"],
        "recognised_as": recognised_as,
        "group_kind": kind,
        "group": group,
        "super_category": of,
        "images": 400,
        "sensitivity_intact": 0.7,
        "sensitivity": 0.7 - loss,
        "loss": loss,
        "low": loss - 0.03,
        "high": loss + 0.04,
        **(dict.fromkeys(random, np.nan) if np.isnan(lesion["p_value"]) else random),
    }


def losses_table(lesions: pd.DataFrame, categories: dict[str, str]) -> pd.DataFrame:
    """Half the loss where any category of the super-category counts; see `loss_of` for categories."""
    rows = []
    for _, lesion in lesions.iterrows():
        for recognised_as, factor in (("category", 1), ("super_category", 0.5)):
            for group in COLORS:
                loss = lesion[f"loss_{group}"] * factor
                rows.append(losses_row(lesion, recognised_as, "super_category", group, group, loss))
            for category, group in categories.items():
                loss = loss_of(category, lesion["cluster"]) * factor
                rows.append(losses_row(lesion, recognised_as, "category", category, group, loss))
    return pd.DataFrame(rows)


CATEGORIES = {"cup": "inanimate", "dog": "animate", "key": "inanimate", "cat": "animate"}


def loss_of(category: str, cluster: str) -> float:
    """A value of its own for every cell; -1 to 0.2."""
    if cluster == "never_active":
        return 0.0
    place = list(CATEGORIES).index(category) if category in CATEGORIES else int(category[1:])
    return round(((place * 7 + int(cluster) * 3) % 11 - 2) / 50, 6)


LAYERS = ("conv1", "conv2", "fc3")


def layers_table(lesions: pd.DataFrame, layers: tuple[str, ...] = LAYERS) -> pd.DataFrame:
    """The n-th layer has n/10 of the cluster's losses; the last holds no neuron of cluster 1."""
    rows = []
    for _, lesion in lesions.iterrows():
        for number, layer in enumerate(layers, 1):
            absent = layer == layers[-1] and lesion["cluster"] == "1"
            part = 0 if absent else number / 10
            rows.append(
                {
                    "method": lesion["method"],
                    "k": lesion["k"],
                    "cluster": lesion["cluster"],
                    "layer": layer,
                    "neurons": 0 if absent else number,
                    "layer_neurons": 100,
                    "share_of_layer": 0 if absent else number / 100,
                    "share_of_cluster": 0.1,
                    "performance_distance": part * lesion["performance_distance"],
                    "loss_animate": part * lesion["loss_animate"],
                    "loss_inanimate": part * lesion["loss_inanimate"],
                }
            )
    return pd.DataFrame(rows)


def images_table(lesions: pd.DataFrame, ranks: int = 3, places: int = 4) -> pd.DataFrame:
    """The last category gains; the red value of an image is 10 rank + place."""
    rows = []
    for _, lesion in lesions.iterrows():
        for rank in range(1, ranks + 1):
            for place in range(1, places + 1):
                file = io.BytesIO()
                Image.new("RGB", (8, 8), (10 * rank + place, 0, 0)).save(file, "PNG")
                rows.append(
                    {
                        "method": lesion["method"],
                        "k": lesion["k"],
                        "cluster": lesion["cluster"],
                        "category": f"n{rank}",
                        "name": f"name {rank}",
                        "super_category": ("animate", "inanimate")[rank % 2],
                        "loss": 0.4 - 0.1 * rank if rank < ranks else -0.02,
                        "rank": rank,
                        "place": place,
                        "image_id": f"{rank}_{place}",
                        "thumbnail": file.getvalue(),
                    }
                )
    return pd.DataFrame(rows)


def reread(table: pd.DataFrame) -> pd.DataFrame:
    """As it comes from a file."""
    return pd.read_csv(io.StringIO(table.to_csv(index=False)))


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text)]


def row_names(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


# Validation


def curves() -> Figure:
    return distance_curves(reread(cv_table()), reread(choice_table()))


def test_each_method_has_a_panel_with_its_means_and_intervals():
    figure = curves()
    assert [axes.get_title(loc="left") for axes in figure.axes[:3]] == [
        "Gaussian mixture",
        "Ward (chosen)",
        "HDBSCAN",
    ]
    for axes, by_k in zip(figure.axes[:3], FOLDS.values(), strict=True):
        line = axes.lines[0]
        np.testing.assert_array_equal(line.get_xdata(), list(by_k))
        means = [np.mean(distances) for distances in by_k.values()]
        np.testing.assert_allclose(line.get_ydata(), means)
        (intervals,) = [c for c in axes.collections if hasattr(c, "get_segments")]
        ends = [segment[:, 1].tolist() for segment in intervals.get_segments()]
        np.testing.assert_allclose(ends, [[mean - 0.02, mean + 0.03] for mean in means])


def test_every_fold_is_a_dot_in_the_colour_of_the_super_category_it_hurts():
    for axes, by_k in zip(curves().axes[:3], FOLDS.values(), strict=True):
        (dots,) = [
            c for c in axes.collections if isinstance(c, matplotlib.collections.PathCollection)
        ]
        x, y = np.asarray(dots.get_offsets()).T
        np.testing.assert_allclose(y, np.concatenate(list(by_k.values())))
        np.testing.assert_array_equal(
            np.round(x), np.repeat(*zip(*[(k, len(d)) for k, d in by_k.items()], strict=True))
        )
        wanted = [c for d in by_k.values() for c in [ANIMATE] * (len(d) - 1) + [INANIMATE]]
        assert [to_hex(color) for color in dots.get_facecolors()] == wanted


def test_the_best_number_of_each_method_is_ringed_and_the_chosen_one_strongly():
    widths = {}
    for axes, (method, k) in zip(curves().axes[:3], BEST.items(), strict=True):
        (ring,) = [line for line in axes.lines if line.get_markersize() > 10]
        assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (
            k,
            pytest.approx(np.mean(FOLDS[method][k])),
        )
        widths[method] = ring.get_markeredgewidth()
    assert widths["ward"] > widths["gaussian_mixture"] == widths["hdbscan"]
    assert {"k = 3: 23.0", "k = 2: 34.0\nchosen", "k = 3: 16.0"} <= set(texts(curves()))


def test_numbers_of_clusters_that_cannot_be_chosen_are_hollow():
    filled, _, hollow = (
        {
            line.get_markerfacecolor(): len(line.get_xdata())
            for line in axes.lines
            if line.get_markersize() == 6 and line.get_marker() == "o"
        }
        for axes in curves().axes[:3]
    )
    assert filled == {style.INK: 2, "white": 0}
    assert hollow == {style.INK: 0, "white": 1}


def test_the_share_of_neurons_left_out_stands_below():
    gaussian, ward, hdbscan = curves().axes[3:]
    (bar,) = hdbscan.patches
    assert (bar.get_x() + bar.get_width() / 2, bar.get_height()) == (pytest.approx(3), 0.4)
    for axes in (gaussian, ward):
        assert "no neuron is left out" in [text.get_text() for text in axes.texts]
    without = choice_table().query("method != 'hdbscan'")
    assert len(distance_curves(cv_table(), without).axes) == 2


# Losses of super-categories


def losses_figure(recognised_as: str = "category") -> Figure:
    others = {"1": (10, 0.1, 0.0), "2": (20, 0.0, 0.2), "noise": (30, 0.05, 0.05)}
    lesions = pd.concat([lesions_table(others, "hdbscan", False), lesions_table()])
    losses = losses_table(lesions, {})
    return lesion_losses(reread(lesions), reread(losses), recognised_as)


def test_the_chosen_clustering_is_first_and_its_clusters_are_ordered_by_distance():
    ward, hdbscan = losses_figure().axes
    assert ward.get_title(loc="left") == "Ward, 3 clusters (chosen)"
    assert hdbscan.get_title(loc="left") == "HDBSCAN, 2 clusters"
    assert row_names(ward) == [
        "2 · 41,203 neurons",
        "3 · 250 neurons",
        "1 · 1,000 neurons",
        "never active · 70 neurons",
    ]
    assert row_names(hdbscan) == ["2 · 20 neurons", "1 · 10 neurons", "left out · 30 neurons"]
    assert [label.get_color() for label in ward.get_yticklabels()] == [style.INK] * 3 + [
        style.QUIET
    ]
    places = ward.get_yticks()
    assert places[3] - places[2] > places[2] - places[1]
    assert ward.yaxis.get_inverted()


@pytest.mark.parametrize(("recognised_as", "factor"), [("category", 1), ("super_category", 0.5)])
def test_losses_and_intervals_are_drawn_in_the_rows_of_their_clusters(
    recognised_as: str, factor: float
):
    ward, _ = losses_figure(recognised_as).axes
    for row, cluster in enumerate(("2", "3", "1", "never_active")):
        place = ward.get_yticks()[row]
        for loss, color in zip(CLUSTERS[cluster][1:], (ANIMATE, INANIMATE), strict=True):
            (dot,) = [
                line
                for line in ward.lines
                if line.get_color() == color and abs(line.get_ydata()[0] - place) < 0.5
            ]
            assert dot.get_xdata()[0] == pytest.approx(loss * factor)
            (interval,) = [
                segment
                for collection in ward.collections
                for segment in collection.get_segments()
                if to_hex(collection.get_color()[0]) == color
                and segment[0, 1] == dot.get_ydata()[0]
            ]
            np.testing.assert_allclose(interval[:, 0], [loss * factor - 0.03, loss * factor + 0.04])


def test_random_lesions_are_drawn_behind_where_there_are_any():
    ward, _ = losses_figure().axes
    assert len(ward.patches) == 6
    for bar in ward.patches:
        assert (bar.get_x(), bar.get_x() + bar.get_width()) == (0.01, pytest.approx(0.06))
    middles = sorted(bar.get_y() + bar.get_height() / 2 for bar in ward.patches)
    dots = sorted(line.get_ydata()[0] for line in ward.lines if line.get_marker() == "o")
    np.testing.assert_allclose(middles, dots[:6])
    ticks = [
        segment
        for collection in ward.collections
        for segment in collection.get_segments()
        if to_hex(collection.get_color()[0]) == style.QUIET
    ]
    assert [tick[0, 0] for tick in ticks] == [0.03] * 6


def test_selectivity_and_familywise_p_values_stand_beside_the_rows():
    ward, _ = losses_figure().axes
    beside = {(text.xy[1], text.get_text()): text for text in ward.texts}
    assert beside[0, ".015"].get_fontweight() == "bold"
    assert beside[2, ".500"].get_fontweight() == "normal"
    assert beside[0, "0.75"]
    assert (ward.get_yticks()[3], "\N{EN DASH}") in beside


def test_what_counts_as_recognised_is_said_and_other_words_are_refused():
    assert any(
        "any category of its super-category" in text
        for text in texts(losses_figure("super_category"))
    )
    assert "animate (intact: 70.0\u00a0% of 400 images)" in texts(losses_figure())
    with pytest.raises(InputError, match="basic"):
        losses_figure("basic")


def test_of_many_clusters_those_of_largest_distance_are_drawn():
    clusters = {str(n): (n, n / 100, 0.0) for n in range(1, 31)} | {"never_active": (5, 0.0, 0.0)}
    lesions = pd.concat([lesions_table(clusters), lesions_table(clusters, "hdbscan", False)])
    ward, hdbscan = lesion_losses(lesions, losses_table(lesions, {}), "category").axes
    for axes, most in ((ward, MOST_CLUSTERS), (hdbscan, MOST_OF_OTHERS)):
        names = row_names(axes)
        assert len(names) == most + 1
        assert names[0] == "30 · 30 neurons"
        assert names[most - 1] == f"{31 - most} · {31 - most} neurons"
        assert f"not shown: {30 - most} of smaller distance" in axes.get_xlabel()


# Losses of categories


def categories_figure() -> Figure:
    lesions = lesions_table()
    other = lesions_table(method="hdbscan", chosen=False)
    losses = pd.concat([losses_table(own, CATEGORIES) for own in (other, lesions)])
    return category_losses(
        reread(pd.concat([other, lesions])), reread(losses), "category", {"dog": "hound"}
    )


def test_categories_stand_by_super_category_and_by_their_loss_in_the_top_row():
    strip, axes, _ = categories_figure().axes
    order = [label.get_text() for label in axes.get_xticklabels()]
    wanted = sorted(CATEGORIES, key=lambda name: (CATEGORIES[name], -loss_of(name, "2")))
    assert order == ["hound" if name == "dog" else name for name in wanted]
    colors = [COLORS[CATEGORIES[name]] for name in wanted]
    assert [label.get_color() for label in axes.get_xticklabels()] == colors
    assert [to_hex(shade) for shade in strip.images[0].get_array()[0]] == colors
    clusters = ("2", "3", "1", "never_active")
    for image, place, cluster in zip(axes.images, axes.get_yticks(), clusters, strict=True):
        np.testing.assert_allclose(
            image.get_array()[0], [loss_of(name, cluster) for name in wanted]
        )
        bottom, top = sorted(image.get_extent()[2:])
        assert bottom < place < top
    assert all(image.get_clim() == axes.images[0].get_clim() for image in axes.images)
    low, high = axes.images[0].get_clim()
    assert low == -high


def test_dots_mark_what_costs_more_than_random_lesions():
    _, axes, _ = categories_figure().axes
    (dots,) = [line for line in axes.lines if line.get_marker() == "o"]
    found = set(zip(dots.get_xdata(), dots.get_ydata(), strict=True))
    names = [
        "dog" if label.get_text() == "hound" else label.get_text()
        for label in axes.get_xticklabels()
    ]
    wanted = {
        (column + 0.5, row)
        for row, cluster in enumerate(("2", "3", "1"))
        for column, name in enumerate(names)
        if loss_of(name, cluster) > 0.06
    }
    assert found == wanted
    assert 0 < len(wanted) < 12


def test_of_many_categories_the_most_hurt_are_named_beside_the_rows():
    many = {f"c{n}": ("animate", "inanimate")[n % 2] for n in range(100)}
    lesions = lesions_table()
    _, axes, _ = category_losses(lesions, losses_table(lesions, many), "category").axes
    assert not axes.get_xticklabels()
    assert axes.images[0].get_array().shape == (1, 100)
    top = [text.get_text() for text in axes.texts if text.xy[1] == 0]
    assert len(top) == 2
    largest = max(loss_of(name, "2") for name in many)
    for text in top:
        name, loss = text.split()
        assert loss_of(name, "2") == largest
        assert loss == f"{100 * largest:.1f}"
    assert not [text for text in axes.texts if text.xy[1] > 3]  # nothing is lost with never active


# Layers


def profile(lesions: pd.DataFrame) -> Figure:
    layers = pd.concat([layers_table(lesions), layers_table(lesions).assign(method="hdbscan")])
    return layer_profile(reread(layers), reread(lesions))


def test_cells_hold_the_share_and_the_distance_of_each_layer_and_of_the_whole_cluster():
    left, right, *_ = profile(lesions_table()).axes
    names = [*LAYERS, "all layers"]
    for axes in (left, right):
        assert [label.get_text() for label in axes.get_xticklabels()] == names
    assert row_names(left)[0] == "2 · 41,203 neurons"
    shares, distances = (
        {
            (round(text.get_position()[1], 6), round(text.get_position()[0], 6)): text.get_text()
            for text in axes.texts
        }
        for axes in (left, right)
    )
    columns = [round(x, 6) for x in left.get_xticks()]
    rows = [round(y, 6) for y in left.get_yticks()]
    assert [shares[rows[0], x] for x in columns] == ["1.0", "2.0", "3.0", "41.2"]
    assert [distances[rows[0], x] for x in columns] == ["2.8", "5.6", "8.4", "28.0"]
    assert [distances[rows[1], x] for x in columns] == ["2.0", "4.0", "6.0", "20.0"]
    # no neuron of cluster 1 lies in the last layer
    assert shares[rows[2], columns[2]] == "0.0"
    assert (rows[2], columns[2]) not in distances


def test_cells_have_the_colour_of_the_most_hurt_as_strong_as_the_distance():
    _, right, *_ = profile(lesions_table()).axes
    parts, whole = right.images[0], right.images[1]
    full = np.array(to_rgb(INANIMATE))
    np.testing.assert_allclose(whole.get_array()[0, 0], full)
    for column, share in enumerate((0.1, 0.2, 0.3)):
        np.testing.assert_allclose(parts.get_array()[0, column], 1 - share * (1 - full))
    animate = np.array(to_rgb(ANIMATE))
    np.testing.assert_allclose(right.images[3].get_array()[0, 0], 1 - 0.20 / 0.28 * (1 - animate))


def test_many_layers_are_named_in_part_and_in_network_order():
    layers = tuple(f"layer{n}" for n in range(50))
    lesions = lesions_table()
    left, right, *_ = layer_profile(layers_table(lesions, layers), lesions).axes
    names = [label.get_text() for label in left.get_xticklabels()]
    assert (names[0], names[-2], names[-1]) == ("layer0", "layer49", "all layers")
    assert len(names) == 13
    for name, x in zip(names[:-1], left.get_xticks(), strict=False):
        assert x == int(name.removeprefix("layer")) + 0.5
    assert right.images[0].get_array().shape[:2] == (1, 50)
    assert not left.texts


# Images


def test_rows_show_images_of_the_categories_that_lose_most():
    lesions = lesions_table()
    images = pd.concat(
        [images_table(lesions).assign(method="hdbscan", loss=0.9), images_table(lesions)]
    )
    images = images.sample(frac=1, random_state=0)
    figure = hurt_images(images, reread(lesions))
    (axes,) = figure.axes
    # two categories lose, so five images of each would fit, but there are four
    red = [int(image.get_array()[0, 0, 0]) for image in axes.images]
    assert red == [11, 12, 13, 14, 21, 22, 23, 24] * 3
    bottoms = [image.get_extent()[2] for image in axes.images[::8]]
    assert bottoms == sorted(bottoms, reverse=True)
    headings = [text for text in texts(figure) if text.startswith("Cluster ")]
    assert headings == ["Cluster 2", "Cluster 3", "Cluster 1"]
    names = {text.get_text(): text.get_color() for text in axes.texts}
    assert (names["name 1\n30.0"], names["name 2\n20.0"]) == (INANIMATE, ANIMATE)
    assert not any("name 3" in name for name in names)
    assert {"41,203 neurons", "inanimate loses most", "distance 28.0"} <= set(names)


def test_rows_and_images_are_no_more_than_fit():
    clusters = {str(n): (n, n / 100, 0.0) for n in range(1, 13)}
    lesions = lesions_table(clusters)
    (axes,) = hurt_images(images_table(lesions, ranks=7, places=2), lesions).axes
    assert len(axes.images) <= MOST_ROWS * MOST_IMAGES
    headings = [text.get_text() for text in axes.texts if text.get_text().startswith("Cluster")]
    assert headings == [f"Cluster {n}" for n in range(12, 12 - MOST_ROWS, -1)]
    width = axes.get_xlim()[1]
    assert max(image.get_extent()[1] for image in axes.images) < width


def test_a_cluster_without_a_loss_says_so():
    lesions = lesions_table()
    images = images_table(lesions)
    images.loc[images["cluster"] == "3", "loss"] = -0.1
    figure = hurt_images(images, lesions)
    assert "no category loses" in texts(figure)
    assert len(figure.axes[0].images) == 16


# All


def every_figure(lesions: pd.DataFrame, recognised_as: str = "category") -> list[Figure]:
    losses = losses_table(lesions, CATEGORIES)
    return [
        lesion_losses(lesions, losses, recognised_as),
        category_losses(lesions, losses, recognised_as),
        layer_profile(layers_table(lesions), lesions),
        hurt_images(images_table(lesions), lesions),
    ]


@pytest.mark.filterwarnings("error")
def test_no_rows_are_drawn_as_such(tmp_path):
    lesions = lesions_table()
    losses, layers = losses_table(lesions, CATEGORIES)[:0], layers_table(lesions)[:0]
    images = images_table(lesions)[:0]
    lesions = lesions[:0]
    evaluated, chosen = "No clustering was evaluated.", "No clustering was chosen."
    for figure, message in (
        (distance_curves(reread(cv_table()[:0]), reread(choice_table()[:0])), evaluated),
        (lesion_losses(reread(lesions), reread(losses), "category"), evaluated),
        (category_losses(reread(lesions), reread(losses), "category"), chosen),
        (layer_profile(reread(layers), reread(lesions)), chosen),
        (hurt_images(images, reread(lesions)), chosen),
    ):
        style.save(figure, tmp_path / "figure.svg")
        assert message in texts(figure)


@pytest.mark.filterwarnings("error")
def test_nothing_chosen_leaves_figures_of_the_choice_empty(tmp_path):
    shown, *empty = every_figure(lesions_table(chosen=False))
    style.save(distance_curves(cv_table(), choice_table(None)), tmp_path / "figure.png")
    style.save(shown, tmp_path / "figure.png")
    assert shown.axes[0].get_title(loc="left") == "Ward, 3 clusters"
    for figure in empty:
        style.save(figure, tmp_path / "figure.png")
        assert "No clustering was chosen." in texts(figure)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("cluster", ["1", "never_active"])
def test_a_single_group_without_any_loss_can_be_drawn(cluster: str, tmp_path):
    lesions = lesions_table({cluster: (9, 0.0, 0.0)}).assign(
        selectivity=np.nan, most_hurt=np.nan, performance_distance=np.nan, p_value=np.nan
    )
    for figure in every_figure(lesions, "super_category"):
        style.save(figure, tmp_path / "figure.png")


def test_the_same_tables_give_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        style.save(losses_figure(), tmp_path / f"{name}.svg")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
