"""The land of a demo scene: two hazy ranges behind, one hill in front."""

import numpy as np

from .conditioning import Scene
from .scene_canvas import Canvas
from .scene_colours import GRASS, LANDS, Colour, Light, blend, hazy

BASE = 0.70


def paint_land(canvas: Canvas, rng: np.random.Generator, scene: Scene, light: Light) -> None:
    """Two ranges of the chosen land; the one behind is higher and paler."""
    paint = {"mountains": paint_mountains, "hills": paint_hills, "mesas": paint_mesas, "city": paint_city}[
        scene["land"]
    ]
    for height, distance in ((0.30, 0.62), (0.19, 0.28)):
        colour = LANDS[scene["land"]]
        if scene["season"] == "winter":
            colour = blend(colour, (214, 226, 244), 0.35)
        paint(canvas, rng, height, hazy(colour, light, distance), light, distance)


def paint_mountains(
    canvas: Canvas, rng: np.random.Generator, height: float, colour: Colour, light: Light, distance: float
) -> None:
    """A row of peaks, the outer ones first, each with a shaded flank and a snow cap."""
    count = 4 if distance > 0.5 else 3
    places = (np.arange(count) + 0.15 + 0.7 * rng.random(count)) / count
    for place in sorted(places, key=lambda x: -abs(x - 0.5)):
        tall = height * (0.7 + 0.4 * rng.random())
        paint_peak(canvas, rng, (place, BASE - tall), tall, colour, light)


def paint_peak(
    canvas: Canvas, rng: np.random.Generator, top: tuple[float, float], tall: float, colour: Colour, light: Light
) -> None:
    """One peak: a gradient triangle, its right flank darker, snow with a jagged lower edge."""
    x, y = top
    left, right, crease = (
        x - tall * (0.85 + 0.3 * rng.random()),
        x + tall * (0.85 + 0.3 * rng.random()),
        x + tall * (0.3 * rng.random() - 0.05),
    )
    foot, dark = blend(colour, light.sky[2], 0.35), blend(colour, (20, 24, 60), 0.24)
    canvas.shade([(left, BASE), top, (right, BASE)], colour, foot)
    bend = (x + 0.06 * tall * rng.choice([-1, 1]), y + 0.5 * tall)
    canvas.shade([top, bend, (crease, BASE), (right, BASE)], dark, blend(dark, light.sky[2], 0.3))
    snow = blend(hazy((250, 252, 255), light, 0.1), colour, 0.12)
    for start, end, white in ((left, x, snow), (x, right, blend(snow, dark, 0.3))):
        at = (0.26 + 0.08 * rng.random(), 0.17, 0.33, 0.2)
        slope = (start if end == x else end) - x
        edge = [(x + slope * d * inwards, y + tall * d) for d, inwards in zip(at, (1.0, 0.65, 0.3, 0.0), strict=True)]
        canvas.polygon([top, *edge], white)


def paint_hills(
    canvas: Canvas, rng: np.random.Generator, height: float, colour: Colour, light: Light, distance: float
) -> None:
    """Soft rounded hills, each with its own light side."""
    x = np.linspace(0, 1, 65)
    for _ in range(3):
        middle, width, tall = rng.random(), 0.25 + 0.2 * rng.random(), height * (0.6 + 0.4 * rng.random())
        y = BASE - tall * np.exp(-(((x - middle) / width) ** 2))
        canvas.shade(
            [(0, BASE), *zip(x, y, strict=True), (1, BASE)],
            blend(colour, (255, 250, 220), 0.14),
            blend(colour, (20, 40, 50), 0.18),
        )


def paint_mesas(
    canvas: Canvas, rng: np.random.Generator, height: float, colour: Colour, light: Light, distance: float
) -> None:
    """Flat-topped rocks with layered bands."""
    for _ in range(3):
        middle, half, tall = rng.random(), 0.09 + 0.09 * rng.random(), height * (0.55 + 0.45 * rng.random())
        for band in range(4):
            top, low = BASE - tall * (1 - band / 4), BASE - tall * (0.75 - band / 4)
            wide, wider = half * (1 + 0.16 * band), half * (1.16 + 0.16 * band)
            shade = blend(colour, (60, 30, 40), 0.16 * (band % 2) + 0.05 * band)
            canvas.polygon(
                [(middle - wide, top), (middle + wide, top), (middle + wider, low), (middle - wider, low)], shade
            )
    canvas.box(0, BASE - 0.03, 1, BASE, blend(colour, light.sky[2], 0.25))


def paint_city(
    canvas: Canvas, rng: np.random.Generator, height: float, colour: Colour, light: Light, distance: float
) -> None:
    """A skyline of towers; those of the front range have windows."""
    left = -0.02
    while left < 1:
        wide, tall = 0.05 + 0.04 * rng.random(), height * (0.35 + 0.65 * rng.random())
        shade = blend(colour, (30, 30, 60), 0.25 * rng.random())
        canvas.box(left, BASE - tall, left + wide, BASE, shade)
        if distance < 0.5:
            paint_windows(canvas, rng, left, BASE - tall, wide, tall, blend(shade, light.windows, 0.75))
        left += wide + 0.004


def paint_windows(
    canvas: Canvas, rng: np.random.Generator, left: float, top: float, wide: float, tall: float, colour: Colour
) -> None:
    """Rows of windows, some of them dark."""
    for row in range(int((tall - 0.03) / 0.022)):
        for column in range(int((wide - 0.008) / 0.017)):
            if rng.random() < 0.65:
                x, y = left + 0.008 + 0.017 * column, top + 0.010 + 0.022 * row
                canvas.box(x, y, x + 0.008, y + 0.011, colour)


def paint_front_hill(canvas: Canvas, rng: np.random.Generator, scene: Scene, light: Light, shore: float) -> None:
    """A low green rise that hides the foot of the land."""
    x = np.linspace(0, 1, 65)
    phase = 6.3 * rng.random()
    y = shore - 0.035 - 0.022 * np.sin(5 * x + phase) - 0.012 * np.sin(11 * x + 2 * phase)
    grass = blend(GRASS[scene["season"]], (40, 80, 70), 0.35)
    canvas.shade(
        [(0, shore + 0.01), *zip(x, y, strict=True), (1, shore + 0.01)],
        hazy(grass, light, 0.22),
        hazy(grass, light, 0.05),
    )
