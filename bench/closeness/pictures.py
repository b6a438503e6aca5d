"""Pairs of pictures for the words of closeness, for the help page: `python3 bench/run.py closeness --pictures`."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from PIL import Image
from tap_pack.tap_core.closeness import words_of
from tap_pack.tap_core.sampling.settings import TapSettings

from figures.metrics import psnr, ssim
from figures.places import ROOT
from models.stage import Course, Stage, Take

PAGE = ROOT / "web" / "docs" / "closeness.jpg"
# From close to far: the longest interval that still gives the word is shown.
COURSE, SHOT, INTERVALS = Course(steps=20, cfg=4.0), 504, (10, 8, 6, 5, 4, 3, 2)
GAP = 8


def draw_pairs(stage: Stage) -> None:
    """Write the picture: above every step computed, below with TAP, a column for each word."""
    full = stage.take(SHOT, COURSE)
    columns = []
    for words, take in reversed(list(by_words(stage, full))):
        score, alike = psnr(take.frames, full.frames), ssim(take.frames, full.frames)
        print(f"{words}: {take.calls} of {COURSE.steps} steps, {score:.1f} dB, SSIM {alike:.3f}")
        columns.append(torch.cat([full.frames, torch.ones(GAP, *full.frames.shape[1:]), take.frames]))
    gap = torch.ones(len(columns[0]), GAP, 3)
    whole = torch.cat([part for column in columns for part in (column, gap)][:-1], 1)
    Image.fromarray((whole.clamp(0, 1) * 255).round().byte().numpy()).save(PAGE, quality=88)


def by_words(stage: Stage, full: Take) -> Iterator[tuple[str, Take]]:
    """Each word with the first picture that it fits, from far to close."""
    known: set[str] = set()
    for interval in INTERVALS:
        take = stage.take(SHOT, COURSE, TapSettings(interval=interval, warmup_steps=1))
        words = words_of(round(psnr(take.frames, full.frames)))
        if words not in known:
            known.add(words)
            yield words, take
