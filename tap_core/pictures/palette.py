"""Colours of the choice map that colour-blind people can tell apart.

A predictor's hue comes from its family and order, its lightness from its horizon. Hues and lightness were chosen so
that any two of the paper's candidates differ by 0.05 or more in Oklab (Ottosson 2020), also for an eye without red,
green or blue cones. L lightness, C chroma, h hue in degrees.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..record.record import CandidateName

RGB = tuple[int, int, int]


@dataclass(frozen=True)
class Hue:
    """A family and order: its hue, chroma, and the lightness from its first horizon to its last."""

    h: float
    chroma: float
    dark: float
    light: float


# Order 1 of the first family is blue, order 2 orange, order 3 purple; others get the hues that are left.
HUES = (
    Hue(255, 0.15, 0.52, 0.86),
    Hue(55, 0.17, 0.64, 0.90),
    Hue(335, 0.15, 0.42, 0.78),
    Hue(165, 0.12, 0.62, 0.88),
    Hue(100, 0.16, 0.80, 0.94),
    Hue(215, 0.09, 0.68, 0.90),
    Hue(70, 0.07, 0.38, 0.66),
)
GOLDEN_ANGLE = 137.5
# Share of its chroma that the light end of a hue keeps: light colours allow no more.
FAR_CHROMA = 0.65

REUSE: RGB = (230, 232, 235)
NOT_FINITE: RGB = (214, 39, 40)
COMPUTED: RGB = (58, 64, 72)  # as a computed step

# From dark blue over grey to yellow, evenly in lightness, as in cividis (Nunez, Anderton and Renslow 2018).
RAMP: tuple[RGB, ...] = ((0, 34, 78), (65, 77, 107), (124, 123, 120), (188, 175, 111), (254, 232, 56))


def candidate_colours(candidates: Sequence[CandidateName]) -> list[RGB]:
    """A colour for each pool member; later members of the pool do not change the hue of a family and order."""
    slots = _slots(candidates)
    colours = []
    for name in candidates:
        if name.order == 0:
            colours.append(REUSE)
            continue
        horizons = sorted({c.horizon for c in candidates if _group(c) == _group(name)}, reverse=True)
        share = horizons.index(name.horizon) / max(len(horizons) - 1, 1)
        colours.append(_shade(hue_of_slot(slots[_group(name)]), share))
    return colours


def order_colour(order: int) -> RGB:
    """The colour of an order: that of the first family's predictor of this order at its first horizon."""
    return REUSE if order == 0 else _shade(hue_of_slot(order - 1), 0.0)


def ramp_colours(count: int, highest: float = 1.0) -> list[RGB]:
    """`count` colours from dark to light along the ramp, up to the share `highest` of it."""
    return [_ramp_at(highest * i / max(count - 1, 1)) for i in range(count)]


def hue_of_slot(slot: int) -> Hue:
    """The hue with this number; any number has one."""
    if slot < len(HUES):
        return HUES[slot]
    return Hue((HUES[0].h + GOLDEN_ANGLE * slot) % 360, 0.11, 0.45 + 0.1 * (slot % 3), 0.85)


def _group(name: CandidateName) -> tuple[str, int]:
    return name.family, name.order


def _slots(candidates: Sequence[CandidateName]) -> dict[tuple[str, int], int]:
    """The number of a hue for each family and order: that of its order, or the next free one if that is taken."""
    slots: dict[tuple[str, int], int] = {}
    free = max((c.order for c in candidates), default=0)
    for group in dict.fromkeys(_group(c) for c in candidates if c.order > 0):
        wanted = group[1] - 1
        if wanted in slots.values():
            wanted, free = free, free + 1
        slots[group] = wanted
    return slots


def _shade(hue: Hue, share: float) -> RGB:
    """The colour at `share` of the way from a hue's dark end to its light one."""
    chroma = hue.chroma * (1 + (FAR_CHROMA - 1) * share)
    return _from_oklch(hue.dark + (hue.light - hue.dark) * share, chroma, hue.h)


def _ramp_at(share: float) -> RGB:
    place = min(max(share, 0.0), 1.0) * (len(RAMP) - 1)
    left = min(int(place), len(RAMP) - 2)
    red, green, blue = (round(a + (b - a) * (place - left)) for a, b in zip(RAMP[left], RAMP[left + 1], strict=True))
    return red, green, blue


def _from_oklch(lightness: float, chroma: float, hue: float) -> RGB:
    """The sRGB colour with this lightness and hue, less vivid where the screen cannot show the chroma."""
    linear = _oklch_to_linear(lightness, chroma, hue)
    while min(linear) < 0 or max(linear) > 1:
        chroma *= 0.97
        linear = _oklch_to_linear(lightness, chroma, hue) if chroma > 1e-3 else [lightness**3] * 3
    red, green, blue = (round(255 * _gamma(value)) for value in linear)
    return red, green, blue


def _oklch_to_linear(lightness: float, chroma: float, hue: float) -> list[float]:
    """Inverse of Oklab's definition: cone responses from L, a, b, then linear sRGB from those."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return [
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    ]


def _gamma(linear: float) -> float:
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
