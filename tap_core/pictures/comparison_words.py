"""A comparison in words."""

import math

from ..closeness import words_of
from .comparison import Comparison
from .told import Told

SAME = "no difference: equal in every value"
EQUAL = "equal"


def verdict(found: Comparison) -> str:
    """How close the picture is, for the PSNR as it is shown, such as "Small differences in detail"."""
    words = SAME if math.isinf(found.psnr) else words_of(round(found.psnr, 1))
    return words[0].upper() + words[1:]


def comparison_words(found: Comparison, floor: Comparison | None = None, told: Told | None = None) -> str:
    """The verdict on a line of its own, then the figures, and what the run had told."""
    return f"{verdict(found)}\n{figure_words(found, floor)}" + ("" if told is None else f". {told}")


def figure_words(found: Comparison, floor: Comparison | None = None) -> str:
    """The figures, such as "45.1 dB PSNR, SSIM 0.998; another seed: 22.5 dB, 0.853"; of a video the worst frame too."""
    words = EQUAL if math.isinf(found.psnr) else f"{decibel_words(found.psnr)} PSNR{_ssim_words(found.ssim, 'SSIM ')}"
    if len(found.frames) > 1 and not math.isinf(found.psnr):
        worst = min(range(len(found.frames)), key=found.frames.__getitem__)
        words += f"; worst of {len(found.frames)} frames: {worst + 1}, {decibel_words(found.frames[worst])}"
    if floor is None:
        return words
    other = EQUAL if math.isinf(floor.psnr) else f"{decibel_words(floor.psnr)}{_ssim_words(floor.ssim)}"
    return f"{words}; another seed: {other}"


def frame_words(found: Comparison, number: int) -> str:
    """The text above one frame of a video."""
    return f"frame {number + 1} of {len(found.frames)}: {decibel_words(found.frames[number])}"


def decibel_words(value: float) -> str:
    """A PSNR."""
    return "no difference" if math.isinf(value) else f"{value:.1f} dB"


def _ssim_words(value: float | None, name: str = "") -> str:
    return "" if value is None else f", {name}{value:.3f}"
