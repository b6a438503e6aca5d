"""The lines of a calibration's text that carry learned weights and moved sigmas, written and read back."""

import math
from collections.abc import Sequence
from itertools import pairwise

from ..errors import TapError
from ..predictors.learned import HIGHEST, NUMBERS
from ..timeline import SIGMA_TOLERANCE

HOW = "Paste the whole text that TAP Calibrate made."
MOST_STEPS = 10_000


def extra_lines(calls: int, weights: Sequence[Sequence[float]], sigmas: Sequence[float]) -> list[str]:
    """What a number of calls has beside its steps, a line each."""
    lines = []
    if weights:
        gaps = (" ".join(f"{number:.4g}" for number in gap) for gap in weights)
        lines.append(f"{calls} calls, weights: {'; '.join(gaps)}")
    if sigmas:
        lines.append(f"{calls} calls, sigmas: {' '.join(f'{sigma:.5g}' for sigma in sigmas)}")
    return lines


def parsed_extra(line: str, sigmas: Sequence[float]) -> tuple[int, dict[str, tuple]]:
    """The number of calls in such a line, and its weights or sigmas by name.

    sigmas: of the measured run. Raises TapError that says what is wrong.
    """
    head, _, values = line.partition(":")
    calls, name = int(head.split(" ")[0]), head.rpartition(" ")[2]
    return calls, {name: _weights(values, calls) if name == "weights" else _moved(values, sigmas)}


def parsed_sigmas(text: str) -> tuple[float, ...]:
    """The sigmas in a text. Raises TapError unless they are two or more numbers of 0 and above."""
    sigmas = _numbers(text, "sigmas")
    if not 2 <= len(sigmas) <= MOST_STEPS or not all(math.isfinite(s) and s >= 0 for s in sigmas) or max(sigmas) == 0:
        raise TapError(f"The placement needs 2 sigmas or more, of 0 and above, and has {text[:40]!r}. {HOW}")
    return sigmas


def _weights(text: str, calls: int) -> tuple[tuple[float, ...], ...]:
    gaps = tuple(_numbers(gap, "weights") for gap in text.split(";"))
    if len(gaps) != calls or any(len(gap) != NUMBERS for gap in gaps):
        raise TapError(f"The weights for {calls} calls have to be {calls} times {NUMBERS} numbers, with ; between "
                       f"them, not {text.strip()[:40]!r}. {HOW}")
    if not all(abs(number) <= HIGHEST for gap in gaps for number in gap):
        raise TapError(f"The weights for {calls} calls have to be numbers from {-HIGHEST:g} to {HIGHEST:g}. {HOW}")
    return gaps


def _moved(text: str, sigmas: Sequence[float]) -> tuple[float, ...]:
    moved = parsed_sigmas(text)
    far = SIGMA_TOLERANCE * max(sigmas)
    same_ends = abs(moved[0] - sigmas[0]) <= far and abs(moved[-1] - sigmas[-1]) <= far
    if len(moved) != len(sigmas) or not same_ends or any(after >= before for before, after in pairwise(moved)):
        raise TapError(f"The moved sigmas have to fall, as many and from and to the same as the placement's, not "
                       f"{text.strip()[:40]!r}. {HOW}")
    return moved


def _numbers(text: str, name: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in text.split())
    except ValueError:
        raise TapError(f"The placement's {name} are not all numbers: {text.strip()[:40]!r}. {HOW}") from None
