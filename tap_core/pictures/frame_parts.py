"""The parts of a frame: the coloured tokens, a full step, a message, and the picture below them."""

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from .lettering import BACKGROUND, OUTLINE, TEXT, font_of, wrap_text
from .token_pixels import enlarge

LEAST_LETTERS = 10


def draw_map(index: Tensor, colours: Tensor, filled: tuple[float, float], height: int, width: int) -> Image.Image:
    """Every token in its class's colour. index: [H, W] classes; colours: [classes, 3] uint8."""
    return Image.fromarray(colours[enlarge(index, filled, height, width)].numpy())


def overlay(picture: Image.Image, drawn: Image.Image, opacity: float) -> Image.Image:
    """The map over the picture, which turns grey as the map gets stronger, to keep their colours apart."""
    grey = picture.convert("L").convert("RGB")
    return Image.blend(Image.blend(picture, grey, opacity**0.5), drawn, opacity)


def write_on(picture: Image.Image, words: str, size: int) -> Image.Image:
    """The picture with words in a box in its middle."""
    lines = wrap_text(words, font_of(size), picture.width - 4 * size)
    font, line = font_of(size), 1.5 * size
    wide = max((font.getlength(text) for text in lines), default=0)
    left, top = (picture.width - wide) / 2, (picture.height - line * len(lines)) / 2
    draw = ImageDraw.Draw(picture)
    plate = (left - size, top - 0.7 * size, left + wide + size, top + line * len(lines) + 0.5 * size)
    draw.rounded_rectangle(plate, radius=size / 2, fill=BACKGROUND, outline=OUTLINE)
    for number, text in enumerate(lines):
        draw.text(((picture.width - font.getlength(text)) / 2, top + number * line), text, font=font, fill=TEXT)
    return picture


def draw_message(title: str, words: str, height: int, width: int, size: int) -> Image.Image:
    """A frame with a title and some sentences instead of a map; long text has smaller letters."""
    frame = Image.new("RGB", (width, height), BACKGROUND)
    draw, margin = ImageDraw.Draw(frame), 2 * size
    lines, letters = _fit(words, width - 2 * margin, height - 2 * margin - 3 * size, size)
    y = max((height - 1.6 * letters * len(lines) - 3 * size) / 2, margin)
    draw.text((margin, y), title, font=font_of(round(1.6 * size)), fill=TEXT)
    for number, text in enumerate(lines):
        draw.text((margin, y + 3 * size + 1.6 * letters * number), text, font=font_of(letters), fill=TEXT)
    return frame


def _fit(words: str, width: float, height: float, size: int) -> tuple[list[str], int]:
    """The words in lines, and the letters' height, at most `size`, at which they fit; longer text is cut off."""
    for letters in range(size, LEAST_LETTERS - 1, -1):
        lines = wrap_text(words, font_of(letters), width)
        if 1.6 * letters * len(lines) <= height:
            return lines, letters
    room = max(int(height / (1.6 * LEAST_LETTERS)), 1)
    return [*lines[: room - 1], "..."], LEAST_LETTERS


def picture_of(pictures: Tensor, number: int, height: int, width: int) -> Image.Image:
    """One of the pictures [P, H, W, C], values 0 to 1, resized."""
    chosen = pictures[number, ..., :3].float().nan_to_num(0).clamp(0, 1).cpu()
    if chosen.shape[-1] < 3:
        chosen = chosen[..., :1].expand(-1, -1, 3)
    image = Image.fromarray((chosen * 255).round().to(torch.uint8).numpy())
    return image.resize((width, height), Image.Resampling.LANCZOS)


def rgb_tensor(image: Image.Image) -> Tensor:
    """A drawing as [H, W, 3] float32, values 0 to 1."""
    return torch.from_numpy(np.array(image)).float() / 255
