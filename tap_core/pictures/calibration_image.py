"""A calibration as a picture: for every number of calls the computed steps of the run, and the expected closeness."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw
from torch import Tensor

from .frame_parts import rgb_tensor
from .lettering import BACKGROUND, FAINT_TEXT, FULL_STEP, OUTLINE, TEXT, font_of, plain
from .palette import RGB

WIDTH, ROW, LETTERS = 1024, 30, 16
LEFT, RIGHT, TOP, BELOW = 110, 120, 78, 60
CHOSEN: RGB = (254, 232, 56)
SIGMAS_NAMED = 6


@dataclass(frozen=True)
class Row:
    """One number of calls. full: the steps that are computed; decibels: what a run with them is expected to tell."""

    full: Sequence[int]
    decibels: float
    chosen: bool = False


def draw_calibration(model: str, sigmas: Sequence[float], rows: Sequence[Row]) -> Tensor:
    """One picture [1, height, width, 3], values 0 to 1; the chosen row stands out. sigmas: one more than the steps."""
    height, steps = TOP + ROW * len(rows) + BELOW, len(sigmas) - 1
    picture = Image.new("RGB", (WIDTH, height + height % 2), BACKGROUND)
    draw = ImageDraw.Draw(picture)
    title = f"{model}: computed steps of {steps}, by number of model calls"
    _write(draw, LEFT, 14, title, TEXT)
    _write(draw, 14, TOP - 28, "calls", FAINT_TEXT)
    _write(draw, WIDTH - RIGHT + 14, TOP - 28, "expected", FAINT_TEXT)
    for number, row in enumerate(rows):
        _draw_row(draw, row, steps, TOP + ROW * number)
    _draw_sigmas(draw, sigmas, TOP + ROW * len(rows) + 6)
    return rgb_tensor(picture)[None]


def _draw_row(draw: ImageDraw.ImageDraw, row: Row, steps: int, y: int) -> None:
    colour, width = CHOSEN if row.chosen else TEXT, _step_width(steps)
    _write(draw, 14, y + 4, str(len(row.full)), colour)
    _write(draw, WIDTH - RIGHT + 14, y + 4, f"{row.decibels:.0f} dB", colour)
    draw.rectangle((LEFT, y + 6, WIDTH - RIGHT, y + ROW - 6), fill=FULL_STEP)
    for step in row.full:
        x = LEFT + step * width
        draw.rectangle((x, y + 4, x + max(width - 2, 1), y + ROW - 4), fill=colour)


def _draw_sigmas(draw: ImageDraw.ImageDraw, sigmas: Sequence[float], y: int) -> None:
    """Some sigmas, each below the step that starts from it."""
    steps = len(sigmas) - 1
    _write(draw, 14, y + 8, "sigma", FAINT_TEXT)
    for i in range(min(SIGMAS_NAMED, steps)):
        step = round(i * (steps - 1) / max(min(SIGMAS_NAMED, steps) - 1, 1))
        x = LEFT + (step + 0.5) * _step_width(steps)
        draw.line((x, y, x, y + 6), fill=OUTLINE)
        words = f"{sigmas[step]:.3g}"
        _write(draw, x - font_of(LETTERS).getlength(words) / 2, y + 8, words, FAINT_TEXT)


def _step_width(steps: int) -> float:
    return (WIDTH - LEFT - RIGHT) / steps


def _write(draw: ImageDraw.ImageDraw, x: float, y: float, text: str, colour: RGB) -> None:
    draw.text((x, y), plain(text), font=font_of(LETTERS), fill=colour)
