"""The strip below the map: one column per step; full steps are hatched, skipped ones show their tokens' classes."""

from collections.abc import Sequence

from PIL import Image, ImageDraw

from .lettering import BACKGROUND, FAINT_TEXT, FULL_STEP, HATCH, TEXT, font_of
from .palette import RGB


def draw_strip(
    stacks: Sequence[Sequence[float] | None], colours: Sequence[RGB], width: int, height: int, size: int
) -> Image.Image:
    """The strip without a marked step. stacks: shares of the classes at each step, None for a full step."""
    strip = Image.new("RGB", (width, height), BACKGROUND)
    draw = ImageDraw.Draw(strip)
    for number, stack in enumerate(stacks):
        left, right, top, bottom = _column(number, len(stacks), width, height, size)
        if stack is None:
            _hatch(strip, (left, top, right, bottom))
            continue
        y = float(bottom)
        for share, colour in zip(stack, colours, strict=True):
            if share:
                draw.rectangle((left, round(y - share * (bottom - top)), right, round(y)), fill=colour)
                y -= share * (bottom - top)
    return strip


def mark_step(strip: Image.Image, number: int, steps: int, size: int) -> Image.Image:
    """A copy with a frame around this step's column, and its number, counted from 1, below."""
    marked = strip.copy()
    draw, font = ImageDraw.Draw(marked), font_of(size)
    left, right, top, bottom = _column(number, steps, strip.width, strip.height, size)
    thick = max(size // 7, 2)
    draw.rectangle((left - thick, top - thick, right + thick, bottom + thick), outline=TEXT, width=thick)
    words = {0: "1", steps - 1: str(steps), number: str(number + 1)}
    placed: list[tuple[float, float]] = []
    for place, word in sorted(words.items(), key=lambda item: item[0] != number):
        start, end = _word_span(place, steps, word, strip.width, size)
        if all(end + size / 2 < a or start > b + size / 2 for a, b in placed):
            draw.text((start, bottom + 0.35 * size), word, font=font, fill=TEXT if place == number else FAINT_TEXT)
            placed.append((start, end))
    return marked


def hatch(width: int, height: int, spacing: int) -> Image.Image:
    """Diagonal stripes, which stand for a full step."""
    stripes = Image.new("RGB", (width, height), FULL_STEP)
    draw = ImageDraw.Draw(stripes)
    for x in range(-height, width, spacing):
        draw.line((x, height, x + height, 0), fill=HATCH, width=max(spacing // 4, 1))
    return stripes


def _hatch(strip: Image.Image, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    strip.paste(hatch(right - left + 1, bottom - top + 1, 6), (left, top))


def _column(number: int, steps: int, width: int, height: int, size: int) -> tuple[int, int, int, int]:
    """Left, right, top and bottom pixel of a step's column."""
    margin = size
    step = (width - 2 * margin) / steps
    gap = 2 if step >= 8 else 1 if step >= 3 else 0
    left = round(margin + number * step)
    right = max(round(margin + (number + 1) * step) - gap - 1, left)
    return left, right, round(0.7 * size), height - round(1.9 * size)


def _word_span(number: int, steps: int, word: str, width: int, size: int) -> tuple[float, float]:
    """Left and right end of a column's number: below its middle, within the strip."""
    left, right, _, _ = _column(number, steps, width, 4 * size, size)
    length = font_of(size).getlength(word)
    start = min(max((left + right + 1 - length) / 2, 0), width - length)
    return start, start + length
