"""The legend next to the map: what is shown, which step it is, what every colour means and how often it was chosen."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from .lettering import BACKGROUND, FAINT_TEXT, OUTLINE, TEXT, font_of, plain, wrap_text
from .palette import RGB

# More classes than this are written in several columns.
ROWS = 16
LEAST_LETTERS = 13
# Distance between lines, in heights of a letter.
LINE = 1.6
MOST_WRAPPED = 4


@dataclass(frozen=True)
class LegendEntry:
    """One class. share: of the tokens on this map; None on a full step."""

    label: str
    colour: RGB
    share: float | None


@dataclass(frozen=True)
class ColourBar:
    """Levels of a number, from the lowest colour to the highest, with the words at both ends and in the middle."""

    colours: Sequence[RGB]
    ticks: tuple[str, str, str]


@dataclass(frozen=True)
class Legend:
    """All text next to one map. lines: first the step, then what happened there; foot: about the run."""

    title: str
    lines: Sequence[str]
    entries: Sequence[LegendEntry]
    foot: Sequence[str]
    bar: ColourBar | None = None


def letters_that_fit(legends: Sequence[Legend], height: int, size: int) -> int:
    """The height of letters, at most `size`, at which all legends fit into `height`; never below LEAST_LETTERS."""
    while size > LEAST_LETTERS and max(legend_size(legend, size)[1] for legend in legends) > height:
        size -= 1
    return size


def legend_size(legend: Legend, size: int) -> tuple[int, int]:
    """Width and smallest height of a legend in letters `size` pixels high."""
    columns, rows = _columns_and_rows(len(legend.entries))
    widest = max([font_of(size).getlength(plain(e.label)) for e in legend.entries], default=0)
    width = max(round(widest + 7 * size) * columns, round(font_of(_large(size)).getlength(legend.title)))
    width = max(width + 2 * size, 17 * size)
    large = [first for first, _ in _wrapped_lines(legend, width - 2 * size, size)]
    above = 4.3 * size + LINE * _large(size) * (1 + sum(large)) + LINE * size * (len(large) - sum(large))
    below = LINE * size * (rows + len(legend.foot)) + (4 * size if legend.bar else 0)
    return width, round(above + below)


def draw_legend(legend: Legend, width: int, height: int, size: int) -> Image.Image:
    """The legend on a dark panel, width x height, in letters `size` pixels high."""
    panel = Image.new("RGB", (width, height), BACKGROUND)
    draw, margin, line = ImageDraw.Draw(panel), size, LINE * size
    y = _write(draw, margin, margin, legend.title, _large(size), FAINT_TEXT) + 0.5 * size
    for first, text in _wrapped_lines(legend, width - 2 * margin, size):
        y = _write(draw, margin, y, text, _large(size) if first else size, TEXT)
    y += size
    if legend.bar:
        y = _draw_bar(draw, legend.bar, margin, y, width - 2 * margin, size)
    _draw_entries(draw, legend.entries, margin, y, width - 2 * margin, size)
    foot = height - margin - line * len(legend.foot)
    for number, text in enumerate(legend.foot):
        _write(draw, margin, foot + number * line, text, size, FAINT_TEXT)
    return panel


def _wrapped_lines(legend: Legend, width: float, size: int) -> list[tuple[bool, str]]:
    """The lines as they are written, and whether each belongs to the first, larger one; very long ones are cut off."""
    return [(number == 0, part) for number, text in enumerate(legend.lines)
            for part in wrap_text(text, font_of(size if number else _large(size)), width)[:MOST_WRAPPED]]


def _draw_entries(
    draw: ImageDraw.ImageDraw, entries: Sequence[LegendEntry], left: float, top: float, width: float, size: int
) -> None:
    columns, rows = _columns_and_rows(len(entries))
    column_width, line = width / columns, LINE * size
    for number, entry in enumerate(entries):
        x, y = left + column_width * (number // rows), top + line * (number % rows)
        draw.rectangle((x, y, x + size, y + size), fill=entry.colour, outline=OUTLINE)
        colour = TEXT if entry.share else FAINT_TEXT
        _write(draw, x + 1.7 * size, y, entry.label, size, colour)
        share = share_words(entry.share)
        end = x + column_width - (size if number // rows < columns - 1 else 0)
        _write(draw, end - font_of(size).getlength(share), y, share, size, colour)


def _columns_and_rows(entries: int) -> tuple[int, int]:
    """Number of columns and rows for `entries` entries."""
    columns = max(-(-entries // ROWS), 1)
    return columns, max(-(-entries // columns), 1)


def _draw_bar(draw: ImageDraw.ImageDraw, bar: ColourBar, left: float, top: float, width: float, size: int) -> float:
    """Draw the bar with its ticks; the y below it."""
    step, font = width / len(bar.colours), font_of(size)
    for number, colour in enumerate(bar.colours):
        draw.rectangle((left + number * step, top, left + (number + 1) * step, top + 1.2 * size), fill=colour)
    draw.rectangle((left, top, left + width, top + 1.2 * size), outline=OUTLINE)
    for place, tick in zip((0.0, 0.5, 1.0), bar.ticks, strict=True):
        _write(draw, left + place * (width - font.getlength(tick)), top + 1.6 * size, tick, size, TEXT)
    return top + 4 * size


def share_words(share: float | None) -> str:
    """A share as it is written in the legend."""
    if share is None:
        return "-"
    return "<1 %" if 0 < share < 0.005 else f"{share:.0%}".replace("%", " %")


def _write(draw: ImageDraw.ImageDraw, x: float, y: float, text: str, size: int, colour: RGB) -> float:
    """Write one line with its letters' top at y; the y of the next line."""
    draw.text((x, y - 0.12 * size), plain(text), font=font_of(size), fill=colour)
    return y + LINE * size


def _large(size: int) -> int:
    return round(1.3 * size)
