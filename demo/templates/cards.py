"""The small picture of each template: a scene of the demo model, the template's name, and which steps were computed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIZE = (480, 320)
DARK, LIGHT, FAINT = (24, 27, 33), (240, 242, 245), (165, 172, 182)
COMPUTED, FORECAST = LIGHT, (104, 158, 240)
WHOSE = "picture and steps of the demo model"


def draw_card(name: str, scene: Image.Image, marks: str) -> Image.Image:
    """name: of the template; marks: f (computed) or s (forecast) for each step of the run."""
    card = Image.new("RGB", SIZE, DARK)
    card.paste(scene.resize((220, 220), Image.Resampling.LANCZOS), (0, 0))
    draw = ImageDraw.Draw(card)
    lines = _wrapped(name.partition(" ")[2], 27, 236)
    for place, line in enumerate(lines):
        draw.text((234, 16 + 33 * place), line, LIGHT, font(27))
    draw.text((234, 158), f"{marks.count('f')} of {len(marks)} steps computed", COMPUTED, font(20))
    draw.text((234, 186), f"{marks.count('s')} forecast", FORECAST, font(20))
    draw_steps(draw, marks, (12, 234, 468, 284), gap=3)
    draw.text((12, 294), WHOSE, FAINT, font(14))
    return card


def draw_wipe_card(name: str, pictures: tuple[Image.Image, Image.Image], marks: str) -> Image.Image:
    """The same with half of each picture: left of the line every step computed, right of it TAP."""
    full, faster = (picture.convert("RGB").resize((220, 220)) for picture in pictures)
    both = full.copy()
    both.paste(faster.crop((110, 0, 220, 220)), (110, 0))
    ImageDraw.Draw(both).line((110, 0, 110, 220), LIGHT, 2)
    return draw_card(name, both, marks)


def scenes(file: Path) -> Sequence[Image.Image]:
    """The upper row of the samples: four scenes."""
    with Image.open(file) as samples:
        return [samples.convert("RGB").crop((256 * place, 0, 256 * place + 256, 256)) for place in range(4)]


def draw_steps(draw: ImageDraw.ImageDraw, marks: str, box: tuple[int, int, int, int], gap: int) -> None:
    """A bar for each step, tall and white where it is computed. box: left, top, right, bottom; gap: between bars."""
    left, top, right, bottom = box
    pitch = (right - left) / len(marks)
    for step, mark in enumerate(marks):
        start = left + step * pitch
        height, colour = (1.0, COMPUTED) if mark == "f" else (0.44, FORECAST)
        draw.rectangle((start, round(bottom - height * (bottom - top)), start + pitch - gap, bottom), colour)


def _wrapped(text: str, size: int, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        lines[-1:] = [longer] if font(size).getlength(longer) <= width else [lines[-1], word]
    return [line for line in lines if line]


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The letters of all cards."""
    return ImageFont.load_default(size)
