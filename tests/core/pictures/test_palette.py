"""The colours of the map are distinct, for colour-blind eyes too, and mean the same on every map."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch
from tap_pack.tap_core.pictures.palette import (
    HUES,
    NOT_FINITE,
    REUSE,
    candidate_colours,
    hue_of_slot,
    order_colour,
    ramp_colours,
)
from tap_pack.tap_core.predictors.pool import taylor_pool
from tap_pack.tap_core.record.record import CandidateName, candidate_names

RGB = tuple[int, int, int]

# Full dichromacy in linear sRGB (Machado, Oliveira and Fernandes 2009, severity 1).
EYES = {
    "all cones": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "no red cones": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green cones": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "no blue cones": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
# Linear sRGB to cones, and the cones' cube roots to Oklab (Ottosson 2020).
TO_CONES = [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005]]
TO_OKLAB = [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660]]


def oklab(colours: list[RGB], eyes: str) -> torch.Tensor:
    """Colours as these eyes see them, in Oklab: [n, 3]."""
    coded = torch.tensor(colours, dtype=torch.float64) / 255
    linear = torch.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    seen = (linear @ torch.tensor(EYES[eyes], dtype=torch.float64).T).clamp(0, 1)
    cones = seen @ torch.tensor(TO_CONES, dtype=torch.float64).T
    return cones.pow(1 / 3) @ torch.tensor(TO_OKLAB, dtype=torch.float64).T


def closest(colours: list[RGB], eyes: str) -> float:
    """Distance of the two most similar colours; people can just distinguish about 0.02."""
    distances = torch.cdist(oklab(colours, eyes), oklab(colours, eyes))
    return min(float(distances[i, j]) for i, j in combinations(range(len(colours)), 2))


def paper_names(*orders: int) -> list[CandidateName]:
    """The distinct candidates of the paper's horizons."""
    names = candidate_names(taylor_pool(orders, -4, 0, 1).members)
    return [n for i, n in enumerate(names) if str(n) not in map(str, names[:i])]


@pytest.mark.parametrize("eyes", EYES)
def test_the_papers_candidates_have_distinct_colours(eyes: str) -> None:
    names = paper_names(0, 1, 2)
    assert len(names) == 11
    assert closest(candidate_colours(names), eyes) > 0.05


@pytest.mark.parametrize("eyes", EYES)
def test_all_four_orders_have_distinct_colours(eyes: str) -> None:
    assert closest(candidate_colours(paper_names(0, 1, 2, 3)), eyes) > 0.04
    assert closest([order_colour(order) for order in range(4)], eyes) > 0.08


@pytest.mark.parametrize("eyes", EYES)
def test_the_ramp_gets_lighter_all_the_way(eyes: str) -> None:
    lightness = oklab(ramp_colours(64), eyes)[:, 0]
    assert (lightness.diff() > 0.002).all()
    assert lightness[-1] - lightness[0] > 0.6
    assert closest([*ramp_colours(5, 0.85), REUSE], eyes) > 0.08


def test_what_is_not_finite_is_on_no_ramp() -> None:
    assert closest([*ramp_colours(8), NOT_FINITE], "all cones") > 0.05


def test_a_wide_pool_still_has_a_colour_for_each() -> None:
    names = candidate_names(taylor_pool([0, 1, 2, 3], -8, 4, 1).members)
    colours = {str(name): colour for name, colour in zip(names, candidate_colours(names), strict=True)}
    assert len(colours) == 40
    assert len(set(colours.values())) == 40


def test_colours_do_not_run_out() -> None:
    names = [CandidateName(f"family {i}", 1, 0.0) for i in range(40)]
    colours = candidate_colours(names)
    assert len(set(colours)) == 40
    assert hue_of_slot(0) == HUES[0]


def test_an_order_has_its_colour_whichever_pool_it_is_in() -> None:
    for orders in ([0, 1, 2], [1, 2], [2], [0, 1, 2, 3]):
        names = candidate_names(taylor_pool(orders, -4, 0, 1).members)
        for name, colour in zip(names, candidate_colours(names), strict=True):
            if name.horizon == 0:
                assert colour == order_colour(name.order)


def test_a_family_that_joins_changes_no_colour() -> None:
    taylor = paper_names(0, 1, 2)
    other = [CandidateName("hermite", order, 0.0) for order in (1, 2, 3)]
    colours = candidate_colours([*taylor, *other])
    assert colours[: len(taylor)] == candidate_colours(taylor)
    assert len(set(colours)) == len(colours)


def test_nearer_horizons_are_lighter() -> None:
    names = candidate_names(taylor_pool([1], -6, 2, 1).members)
    lightness = oklab(candidate_colours(names), "all cones")[:, 0].tolist()
    ordered = [light for _, light in sorted(zip([n.horizon for n in names], lightness, strict=True), reverse=True)]
    assert ordered == sorted(ordered)
