"""A comparison in words."""

import math

from ..closeness import MOST_CLOSER, words_of
from ..record.record import TapRecord
from .comparison import Comparison

SAME = "no difference: equal in every value"
EQUAL = "equal"
# So many dB between told and measured are worth a setting.
WORTH_SETTING = 4.0


def verdict(found: Comparison) -> str:
    """How close the picture is, for the PSNR as it is shown, such as "Small differences in detail"."""
    words = SAME if math.isinf(found.psnr) else words_of(round(found.psnr, 1))
    return words[0].upper() + words[1:]


def comparison_words(found: Comparison, floor: Comparison | None = None, record: TapRecord | None = None) -> str:
    """The verdict on a line of its own, then the figures, and what the run of the record had told."""
    return f"{verdict(found)}\n{figure_words(found, floor)}{told_words(found, record)}"


def told_words(found: Comparison, record: TapRecord | None) -> str:
    """What the run had told, and what to set where pictures of its model are often as far off; else empty."""
    if record is None or record.closeness is None or record.part_of_run or math.isinf(found.psnr):
        return ""
    told = record.closeness.decibels
    # Of a batch a run tells the least close picture; the frames of a film are one picture.
    off = (found.psnr if record.grid[0] > 1 else min(found.frames)) - told
    words, before = f". TAP had told about {told:.0f} dB.", record.settings.get("closer_than_told", 0.0)
    value = max(-MOST_CLOSER, min(MOST_CLOSER, round(before + off)))
    if abs(off) < WORTH_SETTING or value == before:
        return words
    return f"{words} Where several pictures of this model are as far off, set closer_than_told to {value}."


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
