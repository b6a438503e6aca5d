"""A calibration as a short text: read by people, shared in workflows, and read back here.

    TAP placement 3
    model: Flux
    made for: target auto, taylor; orders 0,1,2; horizons -4 to 0 by 1; best
    sigmas: 1 0.98 0.96 .. 0
    10 calls, about 48 dB, mostly 41 to 68: 0 3 7 11 16 22 28 35 42 47

There may be more for one number of calls, see extras.py:

    10 calls, weights: 0 0 0 0; -1.15 -0.58 0.4 0.2; ..
    10 calls, sigmas: 1 0.983 0.957 .. 0

Versions 1 and 2 have another figure, which leaves out that drift is repaid, and no span.
"""

import re
from dataclasses import dataclass, replace
from itertools import pairwise

from ..errors import TapError
from ..predictors.learned import LearnedWeights
from .extras import HOW, extra_lines, parsed_extra, parsed_sigmas

TITLE, VERSIONS = "TAP placement", (1, 2, 3)
MOST_LETTERS = 100_000
NUMBER = r"-?\d{1,4}(?:\.\d{1,6})?"
LINE = re.compile(rf"(?P<calls>\d{{1,5}}) calls, about (?P<decibels>{NUMBER}) dB"
                  rf"(?:, mostly (?P<low>{NUMBER}) to (?P<high>{NUMBER}))?: "
                  r"(?P<full>\d{1,5}(?: \d{1,5})*)", re.ASCII)


@dataclass(frozen=True)
class CalibrationLine:
    """full: the steps that are computed, counted from 0. decibels: the closeness that is expected of the picture, and
    span: where pictures mostly lie; None in older texts.

    weights: four numbers a gap, see predictors/learned.py. sigmas: moved to fit these steps. () where there are none.
    """

    full: tuple[int, ...]
    decibels: float
    weights: tuple[tuple[float, ...], ...] = ()
    sigmas: tuple[float, ...] = ()
    span: tuple[float, float] | None = None

    @property
    def calls(self) -> int:
        """How many steps are computed."""
        return len(self.full)


@dataclass(frozen=True)
class Calibration:
    """model: the class of the model that was measured. made_for: the settings that the placement needs, in words.

    sigmas: of the measured run, one more than its steps. lines: one a number of calls, fewest first.
    """

    model: str
    made_for: str
    sigmas: tuple[float, ...]
    lines: tuple[CalibrationLine, ...]

    @property
    def steps(self) -> int:
        """Number of steps of the measured run."""
        return len(self.sigmas) - 1

    def line(self, calls: int) -> CalibrationLine:
        """The line with this number of calls, or else the next smaller number, or else the smallest."""
        fewer = [line for line in self.lines if line.calls <= calls]
        return fewer[-1] if fewer else self.lines[0]

    def learned(self, calls: int) -> LearnedWeights | None:
        """The learned weights of the line for this number of calls; None if it has none."""
        line = self.line(calls)
        return LearnedWeights(self.sigmas, line.full, line.weights) if line.weights else None

    def sigmas_for(self, calls: int) -> tuple[float, ...]:
        """The moved sigmas of the line for this number of calls, or else those of the measured run."""
        return self.line(calls).sigmas or self.sigmas


def to_text(calibration: Calibration) -> str:
    """The calibration as text."""
    extras = [text for line in calibration.lines for text in extra_lines(line.calls, line.weights, line.sigmas)]
    return "\n".join([
        f"{TITLE} {3 if all(line.span for line in calibration.lines) else 2 if extras else 1}",
        f"model: {calibration.model}",
        f"made for: {calibration.made_for}",
        f"sigmas: {' '.join(f'{sigma:.5g}' for sigma in calibration.sigmas)}",
        *[f"{line.calls} calls, about {line.decibels:.1f} dB{_mostly(line)}: {' '.join(map(str, line.full))}"
          for line in calibration.lines],
        *extras,
    ])


def _mostly(line: CalibrationLine) -> str:
    return "" if line.span is None else f", mostly {line.span[0]:.1f} to {line.span[1]:.1f}"


def from_text(text: str) -> Calibration:
    """The calibration in a text. Raises TapError that says what is wrong and where, for any other text."""
    if len(text) > MOST_LETTERS:
        raise TapError(f"The placement has {len(text)} letters; no placement is that long. {HOW}")
    # Some editors save a byte-order mark before the first letter.
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines() if line.strip()]
    _check_title(lines[0] if lines else "")
    fields = dict(_field(line, name) for name in ("model", "made for", "sigmas")
                  for line in lines[1:] if line.startswith(f"{name}:"))
    if len([line for line in lines[1:] if line.partition(":")[0] in fields]) > len(fields):
        raise TapError(f"The placement has two lines that begin with the same name, such as 'model:'. {HOW}")
    missing = [name for name in ("model", "sigmas") if not fields.get(name)]
    if missing:
        raise TapError(f"The placement has no line that begins with {missing[0]!r} and a colon. {HOW}")
    sigmas = parsed_sigmas(fields["sigmas"])
    others = [line for line in lines[1:] if line.partition(":")[0] not in fields]
    extras = [line for line in others if re.match(r"\d{1,5} calls, (weights|sigmas):", line, re.ASCII)]
    found = [_line(line, len(sigmas) - 1) for line in others if line not in extras]
    if not found:
        raise TapError(f"The placement has no line such as '10 calls, about 48 dB: 0 3 7'. {HOW}")
    by_calls = {line.calls: line for line in found}
    if len(by_calls) < len(found):
        raise TapError(f"The placement has two lines for the same number of calls. {HOW}")
    for extra in extras:
        calls, values = parsed_extra(extra, sigmas)
        if calls not in by_calls:
            raise TapError(f"{extra[:40]!r} belongs to a line for {calls} calls, and there is none. {HOW}")
        by_calls[calls] = replace(by_calls[calls], **values)
    return Calibration(fields["model"], fields.get("made for", ""), sigmas,
                       tuple(by_calls[calls] for calls in sorted(by_calls)))


def _check_title(line: str) -> None:
    title, _, version = line.rpartition(" ")
    if title != TITLE or not re.fullmatch(r"\d{1,5}", version, re.ASCII):
        raise TapError(f"The text does not begin with '{TITLE} {VERSIONS[-1]}' but with {line[:40]!r}. {HOW}")
    if int(version) not in VERSIONS:
        raise TapError(f"This is a placement of version {int(version)}; this pack reads versions "
                       f"{VERSIONS[0]} to {VERSIONS[-1]}. Update the pack, or calibrate again.")


def _field(line: str, name: str) -> tuple[str, str]:
    return name, line[len(name) + 1 :].strip()


def _line(line: str, steps: int) -> CalibrationLine:
    match = LINE.fullmatch(line)
    if match is None:
        raise TapError(f"{line[:60]!r} is not a line of a placement; one is '10 calls, about 48 dB: 0 3 7'. {HOW}")
    full = tuple(int(word) for word in match["full"].split(" "))
    if full[0] != 0 or any(b <= a for a, b in pairwise(full)) or full[-1] >= steps:
        raise TapError(f"The steps in {line[:60]!r} have to begin with 0, rise, and stay below {steps}. {HOW}")
    if len(full) != int(match["calls"]):
        raise TapError(f"The line {line[:60]!r} says {match['calls']} calls and names {len(full)} steps. {HOW}")
    span = None if match["low"] is None else (float(match["low"]), float(match["high"]))
    if span is not None and span[0] > span[1]:
        raise TapError(f"In {line[:60]!r} the higher figure of the span stands first. {HOW}")
    return CalibrationLine(full, float(match["decibels"]), span=span)
