"""The tables of benchmarks: ratios point the right way, slopes are exponents, operations are counted."""

from pathlib import Path

import numpy as np
import pytest
import torch
from children import Measured
from growth import Growing, Grown, Operations, projection, slope
from machine_limits import Limits, measure_limits, table
from ratio_table import HEADER, Row, header, number, ratio, row


def measured(seconds: float, peak: float, disk: float) -> Measured:
    return Measured(seconds, peak, 0, disk, None)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_ratio_above_one_says_that_the_other_takes_more() -> None:
    line = row(Row("step", "other", measured(2, 100, 4), measured(20, 50, 0), "0"))
    found = dict(zip(range(len(HEADER)), cells(line), strict=True))
    assert [found[place] for place in (4, 7, 10)] == ["10.0", "0.50", ""]
    assert len(cells(header().splitlines()[1])) == len(HEADER)


def test_the_document_has_the_table_as_it_is_printed() -> None:
    text = (Path(__file__).parents[2] / "docs" / "performance.md").read_text(encoding="utf-8")
    assert header() in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, ""), (0.0123, "0.012"), (0.5, "0.50"), (9.94, "9.94"), (12.34, "12.3"), (1234.5, "1,234")],
)
def test_numbers_have_few_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_there_is_no_ratio_to_nothing() -> None:
    assert ratio(0, 3) == ratio(3, 0) == ""


@pytest.mark.parametrize("exponent", [0.5, 1, 2])
def test_the_slope_of_a_power_is_its_exponent(exponent: float) -> None:
    sizes = np.array([10, 20, 40])
    assert slope(sizes, 3 * sizes**exponent) == pytest.approx(exponent)


def test_a_projection_follows_slope_and_operations() -> None:
    step = Growing("step", "images", 1, lambda _: print, target=40, times=10)
    # doubles with each doubling: at 40 images 36,000 s, ten times; 1e15 operations become 1e17
    grown = Grown(step, (1, 2, 4), (900, 1800, 3600), 1e15)
    name, size, here, operations, one, many = cells(projection([grown], 10, 4).splitlines()[2])
    assert (name, size) == ("step", "40 images, 10 times")
    assert float(here) == pytest.approx(100)
    assert float(operations) == pytest.approx(100)
    assert float(one) == pytest.approx(1e17 / 1e13 / 3600, rel=0.01)
    assert float(many) == pytest.approx(1e17 / 4e13 / 3600, rel=0.01)


def test_a_fixed_cost_does_not_make_a_projection_small() -> None:
    step = Growing("step", "images", 10, lambda _: print)
    grown = Grown(step, (10, 20, 40), (110, 120, 140), 0)
    assert grown.slope < 0.3
    assert grown.seconds_at(1000) == pytest.approx(1100)
    assert Grown(step, (1, 2, 4), (1, 4, 16), 0).seconds_at(100) == pytest.approx(10_000)


def test_operations_of_products_and_of_their_gradients_are_counted() -> None:
    a, b = torch.ones(3, 5, requires_grad=True), torch.ones(5, 7)
    with Operations() as forward:
        product = a @ b
    assert forward.total == 2 * 3 * 5 * 7
    with Operations() as backward:
        torch.autograd.grad(product.sum(), a)
    assert backward.total == 2 * 3 * 5 * 7


def test_operations_of_a_convolution_are_counted_without_gradients() -> None:
    layer = torch.nn.Conv2d(2, 4, 3, padding=1)
    with torch.inference_mode(), Operations() as counter:
        layer(torch.ones(5, 2, 6, 6))
    assert counter.total == 2 * 5 * 36 * 4 * 2 * 9


def test_limits_are_rates(tmp_path) -> None:
    limits = measure_limits(tmp_path, share=0.01)
    assert min(vars(limits).values()) > 0.01
    assert not list(tmp_path.iterdir())
    assert len(table(Limits(1, 2, 3, 4, 5)).splitlines()) == 7
