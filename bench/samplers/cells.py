"""What the study measures. It imports nothing of the pack: before.py uses it beside the modules of another version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

SAMPLERS = ("euler", "heun", "dpm_2", "dpmpp_2m", "res_multistep", "uni_pc", "ipndm", "deis", "euler_ancestral",
            "dpmpp_2m_sde", "er_sde", "lcm")
GUIDANCE = (1.0, 2.0, 4.0, 6.0)
# Steps, interval, warm-up: 10 and 7 of 20 steps are computed, 5 of 8, 12 and 10 of 50.
COUNTS = ((20, 2, 1), (20, 4, 3), (8, 2, 3), (50, 5, 3), (50, 6, 3))
# Two batches, for speed.
SHOTS = (range(200, 204), range(204, 208))


@dataclass(frozen=True)
class Cell:
    """One sampler, guidance and count of steps."""

    sampler: str
    cfg: float
    steps: int
    interval: int
    warmup: int


def cells(samplers: Sequence[str] = SAMPLERS, steps: Sequence[int] | None = None) -> Iterator[Cell]:
    """All cells, or those of so many steps, one number of steps after another; those of the same full pictures follow
    each other."""
    for number in dict.fromkeys(count[0] for count in COUNTS):
        for sampler, cfg in product(samplers, GUIDANCE):
            yield from (Cell(sampler, cfg, *count) for count in COUNTS
                        if count[0] == number and (steps is None or number in steps))
