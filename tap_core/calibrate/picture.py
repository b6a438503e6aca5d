"""A calibration drawn: for every number of calls where the full steps lie over the run, and the expected nearness."""

from collections.abc import Sequence

from PIL import Image, ImageDraw
from torch import Tensor

from ..frame_parts import rgb_tensor
from ..lettering import BACKGROUND, FAINT_TEXT, FULL_STEP, OUTLINE, TEXT, font_of, plain
from ..palette import RGB
from .text import Calibration, Line

WIDTH, ROW, LETTERS = 1024, 30, 16
LEFT, RIGHT, TOP, BELOW = 110, 120, 78, 60
CHOSEN: RGB = (254, 232, 56)
SIGMAS_NAMED = 6


def draw_calibration(calibration: Calibration, calls: int) -> Tensor:
    """One picture [1, height, width, 3], values 0 to 1; the line for so many calls stands out."""
    height = TOP + ROW * len(calibration.lines) + BELOW
    picture = Image.new("RGB", (WIDTH, height + height % 2), BACKGROUND)
    draw = ImageDraw.Draw(picture)
    title = f"{calibration.model}: computed steps of {calibration.steps}, by number of model calls"
    _write(draw, LEFT, 14, title, TEXT)
    _write(draw, 14, TOP - 28, "calls", FAINT_TEXT)
    _write(draw, WIDTH - RIGHT + 14, TOP - 28, "expected", FAINT_TEXT)
    chosen = calibration.line(calls)
    for number, line in enumerate(calibration.lines):
        _draw_line(draw, line, calibration.steps, TOP + ROW * number, line is chosen)
    _draw_sigmas(draw, calibration.sigmas, TOP + ROW * len(calibration.lines) + 6)
    return rgb_tensor(picture)[None]


def _draw_line(draw: ImageDraw.ImageDraw, line: Line, steps: int, y: int, chosen: bool) -> None:
    colour, width = CHOSEN if chosen else TEXT, _step_width(steps)
    _write(draw, 14, y + 4, str(line.calls), colour)
    _write(draw, WIDTH - RIGHT + 14, y + 4, f"{line.decibels:.0f} dB", colour)
    draw.rectangle((LEFT, y + 6, WIDTH - RIGHT, y + ROW - 6), fill=FULL_STEP)
    for step in line.full:
        x = LEFT + step * width
        draw.rectangle((x, y + 4, x + max(width - 2, 1), y + ROW - 4), fill=colour)


def _draw_sigmas(draw: ImageDraw.ImageDraw, sigmas: Sequence[float], y: int) -> None:
    """Some sigmas below the steps that start from them."""
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
