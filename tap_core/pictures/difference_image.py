"""The difference map: where two pictures differ, times a factor, with its scale written below."""

from itertools import chain

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from .comparison import Comparison, Tick, no_tick, pairs
from .comparison_words import frame_words
from .frame_parts import draw_message, rgb_tensor
from .lettering import BACKGROUND, TEXT, even, font_of, letters_for, wrap_text
from .palette import ramp_colours

LEAST_SIDE = 512
SHADES = 256
# Factors that people can divide by. One pixel in a thousand may reach the brightest colour.
FACTORS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
BRIGHT_SHARE = 0.999


def choose_factor(picture: Tensor, reference: Tensor) -> int:
    """The largest of FACTORS at which almost no pixel of any frame is off the scale."""
    highest = max(float(_highest(_difference(*frames))) for frames in pairs(picture, reference))
    return max((factor for factor in FACTORS if factor * highest <= 1), default=FACTORS[0])


def draw_difference(
    picture: Tensor, reference: Tensor, found: Comparison, words: str, factor: int, tick: Tick = no_tick
) -> Tensor:
    """Frames [P, height, width, 3]: the words, the map, its scale. Dark blue is equal, yellow is 1/factor apart.

    tick: called after each frame.
    """
    drawn = None
    for number, frames in enumerate(pairs(picture, reference)):
        above = f"{words}\n{frame_words(found, number)}" if len(found.frames) > 1 else words
        frame = rgb_tensor(_framed(_map(_difference(*frames), factor), above, factor))
        drawn = frame.new_empty(len(found.frames), *frame.shape) if drawn is None else drawn
        drawn[number] = frame
        tick()
    return drawn


def draw_why_not(words: str) -> Tensor:
    """One frame [1, height, width, 3] with a sentence instead of a map."""
    return rgb_tensor(draw_message("Nothing to compare", words, LEAST_SIDE // 2, LEAST_SIDE, 16))[None]


def _difference(one: Tensor, other: Tensor) -> Tensor:
    """[H, W]: the largest difference of a pixel's three colours."""
    return (one - other).abs().amax(-1)


def _highest(difference: Tensor) -> Tensor:
    place = max(round(BRIGHT_SHARE * difference.numel()), 1)
    return difference.flatten().kthvalue(place).values


def _map(difference: Tensor, factor: int) -> Image.Image:
    """The difference along the ramp; small pictures are enlarged by a whole number, so pixels stay squares."""
    colours = torch.tensor(ramp_colours(SHADES), dtype=torch.uint8)
    shades = (difference * factor).clamp(0, 1) * (SHADES - 1)
    drawn = Image.fromarray(colours[shades.round().long()].numpy())
    times = -(-LEAST_SIDE // max(drawn.size)) if max(drawn.size) < LEAST_SIDE else 1
    return drawn.resize((drawn.width * times, drawn.height * times), Image.Resampling.NEAREST)


def _framed(drawn: Image.Image, above: str, factor: int) -> Image.Image:
    """The map with words above and the scale below, in even numbers of pixels, which video encoders need."""
    size = letters_for(*drawn.size)
    width = max(drawn.width, LEAST_SIDE)
    lines = list(chain(*(wrap_text(text, font_of(size), width - 2 * size) for text in above.split("\n"))))
    scale = wrap_text(_scale_words(factor), font_of(size), width - 2 * size)
    top, below = even(size * (1 + 1.5 * len(lines))), size * (2.5 + 1.5 * len(scale))
    frame = Image.new("RGB", (even(width), even(top + drawn.height + below)), BACKGROUND)
    frame.paste(drawn, ((frame.width - drawn.width) // 2, top))
    draw = ImageDraw.Draw(frame)
    _write(draw, lines, size // 2, size)
    _write(draw, scale, round(top + drawn.height + 2 * size), size)
    bar = np.linspace(0, SHADES - 1, frame.width - 2 * size).round().astype(int)
    row = np.asarray(ramp_colours(SHADES), dtype=np.uint8)[bar]
    frame.paste(Image.fromarray(np.repeat(row[None], size, 0)), (size, top + drawn.height + size // 2))
    return frame


def _scale_words(factor: int) -> str:
    most = f"{1 / factor:.3f}".rstrip("0").rstrip(".")
    return (f"Difference x {factor}: blue is equal, yellow is {most} or more apart ({255 / factor:.0f} of 255)."
            if factor < 255 else f"Difference x {factor}: blue is equal, yellow is {most} or more apart (of 1).")


def _write(draw: ImageDraw.ImageDraw, lines: list[str], top: int, size: int) -> None:
    for number, text in enumerate(lines):
        draw.text((size, top + round(1.5 * size * number)), text, font=font_of(size), fill=TEXT)
