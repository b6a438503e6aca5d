"""A canvas for demo scenes: coordinates in 0..1, y down. It draws at twice the size, which smooths every edge."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from .scene_colours import Colour

Point = tuple[float, float]
SUPERSAMPLE = 2


class Canvas:
    """A square RGB picture."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.side = size * SUPERSAMPLE
        self.image = Image.new("RGB", (self.side, self.side))
        self.draw = ImageDraw.Draw(self.image)

    def pixels(self, points: Sequence[Point]) -> list[Point]:
        """Points in 0..1 as supersampled pixels."""
        return [(x * self.side, y * self.side) for x, y in points]

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon."""
        self.draw.polygon(self.pixels(points), fill=colour)

    def disc(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        """A filled ellipse around a point."""
        self.draw.ellipse(self.pixels([(x - rx, y - ry), (x + rx, y + ry)]), fill=colour)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """A filled rectangle."""
        self.draw.rectangle(self.pixels([(left, top), (right, bottom)]), fill=colour)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """An open line; the width is in 0..1 too."""
        self.draw.line(self.pixels(points), fill=colour, width=max(1, round(width * self.side)))

    def shade(self, points: Sequence[Point], top: Colour, bottom: Colour) -> None:
        """A polygon filled with a vertical gradient, from its highest point to its lowest."""
        rows = [y for _, y in points]
        mask = Image.new("L", self.image.size)
        ImageDraw.Draw(mask).polygon(self.pixels(points), fill=255)
        first, last = int(min(rows) * self.side), min(self.side, int(max(rows) * self.side) + 1)
        first = max(0, first)
        fill = gradient(self.side, last - first, (top, bottom))
        self.image.paste(fill, (0, first), mask.crop((0, first, self.side, last)))

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        """Light around a point; it fades outwards."""
        grid = (np.arange(64) + 0.5) / 64
        away = ((grid[None, :] - x) ** 2 + (grid[:, None] - y) ** 2) / radius**2
        mask = Image.fromarray((255 * strength * np.exp(-away)).astype(np.uint8))
        self.image.paste(colour, (0, 0, self.side, self.side), mask.resize(self.image.size, Image.Resampling.BICUBIC))

    def veil(self, y: float, height: float, colour: Colour, strength: float) -> None:
        """A horizontal band of mist around y."""
        rows = (np.arange(self.side) + 0.5) / self.side
        band = 255 * strength * np.exp(-(((rows - y) / height) ** 2))
        mask = Image.fromarray(band.astype(np.uint8)[:, None]).resize(self.image.size)
        self.image.paste(colour, (0, 0, self.side, self.side), mask)

    def finished(self) -> np.ndarray:
        """The picture at its own size, uint8 [size, size, 3]."""
        return np.asarray(self.image.resize((self.size, self.size), Image.Resampling.BOX))


def gradient(width: int, height: int, stops: Sequence[Colour]) -> Image.Image:
    """A vertical gradient through evenly spaced stops."""
    at = np.linspace(0, len(stops) - 1, max(1, height))
    column = np.stack([np.interp(at, range(len(stops)), [stop[c] for stop in stops]) for c in range(3)], 1)
    return Image.fromarray(column.round().astype(np.uint8)[:, None]).resize((width, max(1, height)))
