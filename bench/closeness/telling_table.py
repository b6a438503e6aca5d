"""The table of `closeness telling` as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean, pstdev

from tap_pack.tap_core.closeness import LEAST

from figures.table import table
from models.stage import MODELS

DEFAULTS, TAP, TAYLORSEER, CALIBRATED = "defaults", "the paper's TAP", "TaylorSeer", "calibrated"
WAYS = (DEFAULTS, TAP, TAYLORSEER, CALIBRATED)
# Aimed at: the mean off by so many dB, and the scatter; under euler, and under others.
AIMS, AIMS_OF_OTHERS = (1.5, 4.0), (2.0, 5.0)
Pair = tuple[float, float]  # told and measured


def markdown(found: dict) -> str:
    """By model and sampler: told minus measured for each way to skip steps."""
    rows = found["rows"]
    lines = table(("told minus measured, dB", *WAYS, "all", "in the span that was told"), (
        (f"{model}, {sampler}", *(shown(pairs_of(rows, model, sampler, way)) for way in WAYS),
         shown(pairs_of(rows, model, sampler)), f"{100 * within(group_of(rows, model, sampler)):.0f} %")
        for model, sampler in groups_of(rows)))
    return "\n".join([in_short(rows), "", *lines])


def in_short(rows: Sequence[dict]) -> str:
    """How many groups are as close as was aimed at, and how many runs are in the span that they told."""
    pairs = [(pairs_of(rows, *group, way), aims(group[1])) for group in groups_of(rows) for way in WAYS]
    near = sum(abs(bias(each)) <= most and scatter(each) <= widest for each, (most, widest) in pairs)
    steady = sum(scatter(each) <= widest for each, (_, widest) in pairs)
    models = [within([row for row in rows if row["model"] == model]) for model in MODELS]
    shares = ", ".join(f"{100 * share:.0f} %" for share in models)
    return (f"Mean (scatter) [runs]. Of {len(pairs)} groups, {near} have mean and scatter as aimed at (1.5 and 4 dB "
            f"under euler, 2 and 5 elsewhere), and {steady} the scatter. In the span that was told lie {shares} of the "
            f"runs of {', '.join(MODELS)}.")


def groups_of(rows: Sequence[dict]) -> list[tuple[str, str]]:
    """Model and sampler, in the order of the table."""
    return list(dict.fromkeys((model, row["sampler"]) for model in MODELS for row in rows if row["model"] == model))


def group_of(rows: Iterable[dict], model: str, sampler: str, way: str = "") -> list[dict]:
    """The rows of a group."""
    return [row for row in rows if (row["model"], row["sampler"]) == (model, sampler) and way in ("", row["way"])]


def runs_of(rows: Iterable[dict]) -> list[tuple[Sequence[float], float]]:
    """Of all runs that said something and skipped steps: low, told and high; and measured."""
    return [(told, found) for row in rows
            for told, found, calls in zip(row["told"], row["psnr"], row["calls"], strict=True)
            if told is not None and calls < row["steps"]]


def pairs_of(rows: Iterable[dict], model: str, sampler: str, way: str = "") -> list[Pair]:
    """Told and measured of a group."""
    return [(told, found) for (_, told, _), found in runs_of(group_of(rows, model, sampler, way))]


def within(rows: Iterable[dict]) -> float:
    """The share of the runs whose picture lies in the span that was told; where it is least, nothing lies below."""
    spans = [(low if told > LEAST else 0.0, high, found) for (low, told, high), found in runs_of(rows)]
    return mean(low <= found <= high for low, high, found in spans)


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
