"""The table of `closeness telling` as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean, pstdev

from figures.table import table
from models.stage import MODELS

DEFAULTS, TAP, TAYLORSEER, CALIBRATED = "defaults", "the paper's TAP", "TaylorSeer", "calibrated"
WAYS = (DEFAULTS, TAP, TAYLORSEER, CALIBRATED)
# Aimed at: the mean off by so many dB, and the scatter; under euler, and under others.
AIMS, AIMS_OF_OTHERS = (1.5, 4.0), (2.0, 5.0)
Pair = tuple[float, float]


def markdown(found: dict) -> str:
    """By model and sampler: told minus measured for each way to skip steps."""
    rows = found["rows"]
    groups = list(dict.fromkeys((model, row["sampler"]) for model in MODELS for row in rows if row["model"] == model))
    lines = table(("told minus measured, dB", *WAYS, "all"), (
        (f"{model}, {sampler}", *(shown(pairs_of(rows, model, sampler, way)) for way in WAYS),
         shown(pairs_of(rows, model, sampler))) for model, sampler in groups))
    return "\n".join([in_short(rows, groups), "", *lines])


def in_short(rows: Sequence[dict], groups: Sequence[tuple[str, str]]) -> str:
    """How many groups are as close as was aimed at."""
    near = sum(is_near(pairs_of(rows, model, sampler, way), sampler) for model, sampler in groups for way in WAYS)
    scatters = sum(scatter(pairs_of(rows, model, sampler, way)) <= aims(sampler)[1] for model, sampler in groups
                   for way in WAYS)
    return (f"Mean (scatter) [runs]. Of {len(groups) * len(WAYS)} groups, {near} have mean and scatter as aimed at "
            f"(1.5 and 4 dB under euler, 2 and 5 elsewhere), and {scatters} the scatter.")


def pairs_of(rows: Iterable[dict], model: str, sampler: str, way: str = "") -> list[Pair]:
    """Told and measured of all runs that said something and skipped steps."""
    return [(told, found) for row in rows
            if (row["model"], row["sampler"]) == (model, sampler) and way in ("", row["way"])
            for told, found, calls in zip(row["told"], row["psnr"], row["calls"], strict=True)
            if told is not None and calls < row["steps"]]


def shown(pairs: Sequence[Pair]) -> str:
    """A cell."""
    return f"{bias(pairs):+.1f} ({scatter(pairs):.1f}) [{len(pairs)}]" if pairs else "nothing told"


def bias(pairs: Sequence[Pair]) -> float:
    """Told minus measured, in the mean."""
    return mean(told - found for told, found in pairs)


def scatter(pairs: Sequence[Pair]) -> float:
    """Its standard deviation."""
    return pstdev(told - found for told, found in pairs)


def aims(sampler: str) -> Pair:
    """What was aimed at, of mean and scatter."""
    return AIMS if sampler == "euler" else AIMS_OF_OTHERS


def is_near(pairs: Sequence[Pair], sampler: str) -> bool:
    """Whether both are as aimed at."""
    most, widest = aims(sampler)
    return abs(bias(pairs)) <= most and scatter(pairs) <= widest
