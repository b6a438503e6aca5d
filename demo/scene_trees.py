"""The trees of a demo scene: pines or round crowns, painted from back to front."""

import numpy as np

from .conditioning import Scene
from .scene_canvas import Canvas
from .scene_colours import LEAVES, PINES, Light, blend, hazy

MORE_TREES = 11


def paint_trees(canvas: Canvas, rng: np.random.Generator, scene: Scene, light: Light, rear: float, fore: float) -> None:
    """Trees whose feet stand between the rows `rear` and `fore`; those in front are larger."""
    if scene["trees"] == "none":
        return
    paint = paint_pine if scene["trees"] == "pines" else paint_round
    count = round(3 + MORE_TREES * float(scene["tree_amount"]))
    trees = rng.random((3 + MORE_TREES, 3))[:count]
    for depth, size, x in sorted(trees.tolist()):
        foot = rear + (fore - rear) * depth**1.6
        tall = (0.11 + 0.06 * size) * (1 + 1.3 * (foot - rear) / 0.25)
        # The middle stays open, to keep path and landmark visible.
        if foot > 0.78 and 0.3 < x < 0.7:
            x = x - 0.3 if x < 0.5 else x + 0.3
        paint(canvas, scene, light, x, foot, tall)


def paint_pine(canvas: Canvas, scene: Scene, light: Light, x: float, foot: float, tall: float) -> None:
    """Four tiers, darker on the right, with snow in winter."""
    green = hazy(PINES[scene["season"]], light, 0.04)
    dark, snow = blend(green, (8, 16, 34), 0.35), hazy((244, 248, 255), light, 0.0)
    canvas.box(x - 0.03 * tall, foot - 0.14 * tall, x + 0.03 * tall, foot, hazy((92, 66, 48), light, 0.0))
    for tier in range(4):
        half, low = tall * (0.27 - 0.05 * tier), foot - tall * (0.10 + 0.19 * tier)
        top = low - 0.36 * tall
        canvas.polygon([(x - half, low), (x, top), (x + half, low)], green)
        canvas.polygon([(x + 0.15 * half, low), (x, top), (x + half, low)], dark)
        if scene["season"] == "winter":
            canvas.polygon([(x - 0.5 * half, low - 0.18 * tall), (x, top), (x + 0.4 * half, low - 0.2 * tall)], snow)


def paint_round(canvas: Canvas, scene: Scene, light: Light, x: float, foot: float, tall: float) -> None:
    """A trunk and a crown of discs, lit from the upper left."""
    leaf = hazy(LEAVES[scene["season"]], light, 0.04)
    trunk, dark, pale = (
        hazy((100, 72, 52), light, 0.0),
        blend(leaf, (20, 16, 50), 0.3),
        blend(leaf, (255, 252, 220), 0.25),
    )
    canvas.box(x - 0.035 * tall, foot - 0.5 * tall, x + 0.035 * tall, foot, trunk)
    crown = ((-0.17, 0.55), (0.17, 0.55), (0.0, 0.74))
    for colour, shift, size in ((dark, 0.04, 0.24), (leaf, 0.0, 0.22), (pale, -0.05, 0.11)):
        for dx, up in crown:
            canvas.disc(x + (dx + shift) * tall, foot - (up - shift) * tall, size * tall, size * tall, colour)
