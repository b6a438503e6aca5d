"""Draws a landscape from named attributes and a seed, from the sky to the foreground."""

import numpy as np
from PIL import Image

from .conditioning import CHOICES, SLIDERS, Scene
from .scene_canvas import Canvas
from .scene_colours import FLOWERS, GRASS, LIGHTS, blend, lit
from .scene_land import paint_front_hill, paint_land
from .scene_landmarks import paint_landmark
from .scene_sky import paint_sky
from .scene_trees import paint_trees

SHORE = 0.68
# The number of arrangements of each part: few enough for a small model to learn, enough to make seeds differ.
ARRANGEMENTS = {"sky": 4, "land": 4, "hill": 3, "trees": 4, "ground": 4}


def random_scene(seed: int) -> dict[str, str | float]:
    """A random value for each attribute, all equally likely; the same seed gives the same scene."""
    rng = np.random.default_rng(seed)
    scene: dict[str, str | float] = {name: options[rng.integers(len(options))] for name, options in CHOICES.items()}
    return scene | {name: float(rng.random()) for name in SLIDERS}


def draw_scene(scene: Scene, seed: int, size: int = 256) -> np.ndarray:
    """The picture of a scene, uint8 [size, size, 3]; the seed decides everything that the attributes do not."""
    rng, canvas, light = part_generators(seed), Canvas(size), LIGHTS[scene["time"]]
    paint_sky(canvas, rng["sky"], scene, light)
    paint_land(canvas, rng["land"], scene, light)
    paint_front_hill(canvas, rng["hill"], scene, light, SHORE)
    if scene["weather"] == "mist":
        canvas.veil(SHORE - 0.07, 0.07, blend(light.sky[2], lit((255, 255, 255), light), 0.4), 0.75)
    if scene["ground"] == "lake":
        paint_trees(canvas, rng["trees"], scene, light, SHORE - 0.012, SHORE + 0.004)
        paint_landmark(canvas, scene, light, SHORE)
        paint_lake(canvas, rng["ground"], scene)
    else:
        paint_meadow(canvas, rng["ground"], scene)
        paint_landmark(canvas, scene, light, SHORE + 0.06)
        paint_trees(canvas, rng["trees"], scene, light, SHORE + 0.02, 0.93)
    return canvas.finished()


def part_generators(seed: int) -> dict[str, np.random.Generator]:
    """For each part of the picture, the random numbers of one of its arrangements."""
    rng = np.random.default_rng(seed)
    chosen = [int(rng.integers(count)) for count in ARRANGEMENTS.values()]
    return {
        part: np.random.default_rng([place, pick])
        for place, (part, pick) in enumerate(zip(ARRANGEMENTS, chosen, strict=True))
    }


def paint_meadow(canvas: Canvas, rng: np.random.Generator, scene: Scene) -> None:
    """Grass down to the lower edge, a winding path and flowers."""
    light, grass = LIGHTS[scene["time"]], GRASS[scene["season"]]
    canvas.shade(
        [(0, SHORE), (1, SHORE), (1, 1), (0, 1)], lit(grass, light), lit(blend(grass, (20, 50, 30), 0.45), light)
    )
    paint_path(canvas, rng, lit(blend(grass, (236, 206, 160), 0.7), light))
    flower = lit(FLOWERS[scene["season"]], light)
    for _ in range(36):
        y = SHORE + 0.03 + (0.97 - SHORE) * rng.random()
        radius = 0.004 + 0.010 * (y - SHORE)
        canvas.disc(rng.random(), y, radius, radius, flower)


def paint_path(canvas: Canvas, rng: np.random.Generator, colour: tuple[int, int, int]) -> None:
    """A path that widens towards the viewer."""
    down = np.linspace(0, 1, 24)
    bend, start = 0.10 * rng.choice([-1, 1]), 0.35 + 0.3 * rng.random()
    middle = start + bend * np.sin(down * 4.5) * (0.4 + down)
    half, y = 0.006 + 0.085 * down**1.5, SHORE + 0.01 + (1.0 - SHORE) * down
    left, right = zip(middle - half, y, strict=True), zip(middle + half, y, strict=True)
    canvas.polygon([*left, *reversed(list(right))], colour)


def paint_lake(canvas: Canvas, rng: np.random.Generator, scene: Scene) -> None:
    """Water that mirrors what stands above the shore, with ripples and bright streaks."""
    light = LIGHTS[scene["time"]]
    side, shore = canvas.side, round(SHORE * canvas.side)
    rows = np.arange(side - shore)
    ripple = np.sin(rows * 90.0 / side + 5.5 * np.sqrt(rows / side) * 9) * (0.002 + 0.012 * rows / len(rows)) * side
    above = np.asarray(canvas.image)[shore - 1 - np.minimum((rows * 1.5).astype(int), shore - 1)]
    columns = np.clip(np.arange(side)[None, :] + ripple.round().astype(int)[:, None], 0, side - 1)
    mirrored = Image.fromarray(np.take_along_axis(above, columns[:, :, None], 1))
    tint = Image.new("RGB", mirrored.size, lit((70, 110, 150), light))
    canvas.image.paste(Image.blend(mirrored, tint, 0.26), (0, shore))
    streak = blend(light.sky[2], (255, 255, 255), 0.35)
    for _ in range(16):
        x, y = rng.random(), SHORE + 0.02 + (0.97 - SHORE) * rng.random()
        half = 0.02 + 0.16 * (y - SHORE)
        canvas.disc(x, y, half, 0.0022 + 0.006 * (y - SHORE), streak)
    canvas.box(0, SHORE - 0.004, 1, SHORE + 0.004, lit(blend(GRASS[scene["season"]], (120, 96, 70), 0.6), light))
