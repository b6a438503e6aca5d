"""The sky of a demo scene: gradient, stars, sun or moon, clouds."""

import numpy as np

from .conditioning import Scene
from .scene_canvas import Canvas, gradient
from .scene_colours import Light, blend

HORIZON = 0.62


def paint_sky(canvas: Canvas, rng: np.random.Generator, scene: Scene, light: Light) -> None:
    """Everything above the horizon that is not land."""
    canvas.image.paste(gradient(canvas.side, round(HORIZON * canvas.side), light.sky), (0, 0))
    canvas.box(0, HORIZON, 1, 1, light.sky[2])
    stars = light.stars if scene["weather"] == "clear" else light.stars // 3
    for x, y, size in rng.random((42, 3))[:stars]:
        radius = 0.0028 + 0.0036 * size**3
        canvas.disc(x, 0.5 * y, radius, radius, blend(light.sky[1], (255, 255, 255), 0.5 + 0.5 * size))
    paint_sun(canvas, scene, light)
    if scene["weather"] == "clouds":
        paint_clouds(canvas, rng, light)


def paint_sun(canvas: Canvas, scene: Scene, light: Light) -> None:
    """The sun, or a crescent moon by night, with its glow."""
    x, y, radius = 0.1 + 0.8 * float(scene["sun_position"]), light.sun_height, light.sun_radius
    night = scene["time"] == "night"
    canvas.glow(x, y, 5 * radius, light.sun, 0.35 if night else 0.75)
    behind = canvas.image.getpixel((round((x - 1.9 * radius) * canvas.side) % canvas.side, round(y * canvas.side)))
    canvas.disc(x, y, radius, radius, light.sun)
    if night:
        canvas.disc(x - 0.45 * radius, y - 0.15 * radius, 0.82 * radius, 0.82 * radius, behind)


def paint_clouds(canvas: Canvas, rng: np.random.Generator, light: Light) -> None:
    """Groups of discs on a flat base, lit from above."""
    bright, dark = (
        blend(light.sky[2], (255, 255, 255), 0.35 + 0.4 * light.brightness),
        blend(light.sky[1], light.sky[2], 0.6),
    )
    dark = blend(dark, (120, 120, 140), 0.25)
    for place in range(4):
        x, y = (place + 0.15 + 0.7 * rng.random()) / 4, 0.08 + 0.27 * rng.random()
        width = 0.08 + 0.06 * rng.random()
        puffs = [
            (x + width * side, width * (0.55 - 0.38 * abs(side)) * (0.8 + 0.4 * rng.random()))
            for side in (-0.85, -0.45, 0.0, 0.5, 0.9)
        ]
        for colour, lift in ((dark, 0.0), (bright, 0.16)):
            for at, radius in puffs:
                canvas.disc(at, y - 0.5 * radius - lift * radius, radius, radius * 0.82, colour)
