"""How often each order and each horizon is chosen at each step, averaged over tokens and scenes: Figure 10."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable


def choice_shares(records: Iterable[object]) -> dict[str, dict[int, dict[str, float]]]:
    """"order" and "horizon" -> step -> value -> share of the tokens, of the records of some runs with one pool.

    The first steps after the warm-up have too few full steps for the higher orders; the order counted is the one used.
    """
    counts: dict[str, dict[int, Counter]] = {"order": defaultdict(Counter), "horizon": defaultdict(Counter)}
    for record in records:
        horizons = [candidate.horizon for candidate in record.candidates]
        for evaluation in record.evaluations:
            for choice in evaluation.choices:
                _add(counts["order"][evaluation.step], choice.order.flatten().tolist())
                _add(counts["horizon"][evaluation.step], [horizons[i] for i in choice.member.flatten().tolist()])
    return {kind: {step: _shares(counter) for step, counter in sorted(steps.items())} for kind, steps in counts.items()}


def _add(counter: Counter, values: list[float]) -> None:
    counter.update(f"{value:g}" for value in values)


def _shares(counter: Counter) -> dict[str, float]:
    total = sum(counter.values())
    return {value: count / total for value, count in sorted(counter.items(), key=lambda pair: float(pair[0]))}
