"""Pictures of short words, for the Qwen-Image-class model of the placement benchmark: what that model is known for.

A picture is 64 x 64 pixels: three letters, tilted, on a gradient between two colours.
"""

import colorsys
import random

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

LETTERS, HUES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 8
SIDE, WORD = 64, 3
TOKENS, WIDTH = WORD + 4, len(LETTERS) + 2 * HUES + 6


def draw(seed: int) -> tuple[Tensor, Tensor]:
    """Picture [1, 3, 64, 64] in 0..1, one frame, and its code [T, D]: letters, colours, size and tilt."""
    chance = random.Random(seed)
    letters = [chance.randrange(len(LETTERS)) for _ in range(WORD)]
    ink, top, bottom = (chance.randrange(HUES) for _ in range(3))
    size, tilt = chance.random(), chance.random()
    picture = gradient(colour(top, 0.35), colour(bottom, 0.6))
    word = Image.new("L", (SIDE, SIDE))
    font = ImageFont.load_default(size=20 + 8 * size)
    ImageDraw.Draw(word).text((SIDE / 2, SIDE / 2), "".join(LETTERS[i] for i in letters), 255, font, anchor="mm")
    word = word.rotate(60 * (tilt - 0.5), Image.Resampling.BICUBIC)
    picture.paste(tuple(int(255 * part) for part in colour(ink, 0.95)), mask=word)
    frame = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
    return frame[None], code(letters, (ink, top, bottom), size, tilt)


def colour(hue: int, light: float) -> tuple[float, float, float]:
    """Red, green and blue of one of the hues."""
    return colorsys.hsv_to_rgb(hue / HUES, 0.75, light)


def gradient(top: tuple[float, ...], bottom: tuple[float, ...]) -> Image.Image:
    """From one colour down to another."""
    down = np.linspace(0, 1, SIDE)[:, None, None]
    rows = (1 - down) * np.array(top) + down * np.array(bottom)
    return Image.fromarray(np.uint8(255 * np.broadcast_to(rows, (SIDE, SIDE, 3))))


def code(letters: list[int], hues: tuple[int, ...], size: float, tilt: float) -> Tensor:
    """One token each, a place of its own for every letter and hue: [T, D]."""
    tokens = torch.zeros(TOKENS, WIDTH)
    for place, letter in enumerate(letters):
        tokens[place, letter] = 1
        tokens[place, -1 - place] = 1
    for place, hue in enumerate(hues):
        tokens[WORD + place, len(LETTERS) + hue] = 1
        tokens[WORD + place, len(LETTERS) + HUES + place] = 1
    tokens[-1, -5:-3] = torch.tensor([size, tilt])
    tokens[-1, -6] = 1
    return tokens
