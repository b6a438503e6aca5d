"""The difference map: where two pictures differ, with its scale below."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from .comparison import Comparison, Tick, no_tick, pairs
from .comparison_words import frame_words
from .difference_scale import DifferenceScale, Ticks
from .frame_parts import draw_message, rgb_tensor
from .lettering import BACKGROUND, FAINT_TEXT, TEXT, even, font_of, letters_for, wrap_text
from .palette import ramp_colours

LEAST_SIDE = 512
SHADES = 256


def draw_difference(
    picture: Tensor, reference: Tensor, found: Comparison, words: str, scale: DifferenceScale, tick: Tick = no_tick
) -> Tensor:
    """Frames [P, height, width, 3]: the words, the map, its scale. Dark blue is equal, yellow is far apart.

    tick: called after each frame.
    """
    drawn, above, several = None, None, len(found.frames) > 1
    texts = [f"{words}\n{frame_words(found, number)}" if several else words for number in range(len(found.frames))]
    for number, frames in enumerate(pairs(picture, reference)):
        mapped = _map(_difference(*frames), scale)
        above = above or [_lines(text, mapped) for text in texts]
        frame = rgb_tensor(_framed(mapped, above[number], max(map(len, above)), scale))
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


def _map(difference: Tensor, scale: DifferenceScale) -> Image.Image:
    """The difference along the ramp; small pictures are enlarged by a whole number, so pixels stay squares."""
    colours = torch.tensor(ramp_colours(SHADES), dtype=torch.uint8)
    shades = scale.shares(difference) * (SHADES - 1)
    drawn = Image.fromarray(colours[shades.round().long()].numpy())
    times = -(-LEAST_SIDE // max(drawn.size)) if max(drawn.size) < LEAST_SIDE else 1
    return drawn.resize((drawn.width * times, drawn.height * times), Image.Resampling.NEAREST)


def _framed(drawn: Image.Image, lines: Sequence[str], most: int, scale: DifferenceScale) -> Image.Image:
    """The map with words above and the scale below, in even numbers of pixels, which video encoders need.

    most: lines to leave room for, so that all frames are of one size.
    """
    size = letters_for(*drawn.size)
    width = max(drawn.width, LEAST_SIDE)
    below = _lines(scale.words, drawn)
    top, foot = even(size * (1 + 1.5 * most)), size * (4 + 1.5 * len(below))
    frame = Image.new("RGB", (even(width), even(top + drawn.height + foot)), BACKGROUND)
    frame.paste(drawn, ((frame.width - drawn.width) // 2, top))
    draw = ImageDraw.Draw(frame)
    _write(draw, lines, size // 2, size)
    _draw_bar(frame, top + drawn.height + size // 2, size, scale.ticks)
    _write(draw, below, round(top + drawn.height + 3.4 * size), size)
    return frame


def _lines(text: str, drawn: Image.Image) -> list[str]:
    """A text in lines that fit above or below a map."""
    size, width = letters_for(*drawn.size), max(drawn.width, LEAST_SIDE)
    return list(chain(*(wrap_text(part, font_of(size), width - 2 * size) for part in text.split("\n"))))


def _draw_bar(frame: Image.Image, top: int, size: int, ticks: Ticks) -> None:
    """All shades from left to right, and what they stand for below."""
    length, draw = frame.width - 2 * size, ImageDraw.Draw(frame)
    bar = np.linspace(0, SHADES - 1, length).round().astype(int)
    row = np.asarray(ramp_colours(SHADES), dtype=np.uint8)[bar]
    frame.paste(Image.fromarray(np.repeat(row[None], size, 0)), (size, top))
    for share, text in ticks:
        # Words at both ends stay inside the bar.
        x = size + share * (length - font_of(size).getlength(text))
        draw.text((x, top + 1.3 * size), text, font=font_of(size), fill=FAINT_TEXT)


def _write(draw: ImageDraw.ImageDraw, lines: list[str], top: int, size: int) -> None:
    for number, text in enumerate(lines):
        draw.text((size, top + round(1.5 * size * number)), text, font=font_of(size), fill=TEXT)
