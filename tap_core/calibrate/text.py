"""A calibration as a short text: read by people, shared in workflows, and read back here.

    TAP placement 1
    model: Flux
    made for: target auto, taylor; orders 0,1,2; horizons -4 to 0 by 1; best
    sigmas: 1 0.98 0.96 .. 0
    10 calls, about 48 dB: 0 3 7 11 16 22 28 35 42 47
"""

import math
import re
from dataclasses import dataclass
from itertools import pairwise

from ..errors import TapError

TITLE, VERSION = "TAP placement", 1
MOST_LETTERS, MOST_STEPS = 100_000, 10_000
HOW = "Paste the whole text that TAP Calibrate made."


@dataclass(frozen=True)
class Line:
    """full: the steps that are computed, counted from 0. decibels: expected PSNR of the picture."""

    full: tuple[int, ...]
    decibels: float

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
    lines: tuple[Line, ...]

    @property
    def steps(self) -> int:
        """Number of steps of the measured run."""
        return len(self.sigmas) - 1

    def line(self, calls: int) -> Line:
        """The line with this number of calls, or else the next smaller number, or else the smallest."""
        fewer = [line for line in self.lines if line.calls <= calls]
        return fewer[-1] if fewer else self.lines[0]


def to_text(calibration: Calibration) -> str:
    """The calibration as text."""
    return "\n".join([
        f"{TITLE} {VERSION}",
        f"model: {calibration.model}",
        f"made for: {calibration.made_for}",
        f"sigmas: {' '.join(f'{sigma:.5g}' for sigma in calibration.sigmas)}",
        *[f"{line.calls} calls, about {line.decibels:.1f} dB: {' '.join(map(str, line.full))}"
          for line in calibration.lines],
    ])


def from_text(text: str) -> Calibration:
    """The calibration in a text. Raises TapError that says what is wrong and where, for any other text."""
    if len(text) > MOST_LETTERS:
        raise TapError(f"The placement has {len(text)} letters; no placement is that long. {HOW}")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    _check_title(lines[0] if lines else "")
    fields = dict(_field(line, name) for name in ("model", "made for", "sigmas")
                  for line in lines[1:] if line.startswith(f"{name}:"))
    missing = [name for name in ("model", "sigmas") if not fields.get(name)]
    if missing:
        raise TapError(f"The placement has no line that begins with {missing[0]!r} and a colon. {HOW}")
    sigmas = _sigmas(fields["sigmas"])
    found = [_line(line, len(sigmas) - 1) for line in lines[1:] if line.partition(":")[0] not in fields]
    if not found:
        raise TapError(f"The placement has no line such as '10 calls, about 48 dB: 0 3 7'. {HOW}")
    by_calls = {line.calls: line for line in found}
    return Calibration(fields["model"], fields.get("made for", ""), sigmas,
                       tuple(by_calls[calls] for calls in sorted(by_calls)))


def _check_title(line: str) -> None:
    title, _, version = line.rpartition(" ")
    if title != TITLE or not version.isascii() or not version.isdigit():
        raise TapError(f"The text does not begin with '{TITLE} {VERSION}' but with {line[:40]!r}. {HOW}")
    if int(version) != VERSION:
        raise TapError(f"This is a placement of version {int(version)}; this pack reads version {VERSION}. Update the "
                       "pack, or calibrate again.")


def _field(line: str, name: str) -> tuple[str, str]:
    return name, line[len(name) + 1 :].strip()


def _sigmas(text: str) -> tuple[float, ...]:
    words = text.split()
    try:
        sigmas = tuple(float(word) for word in words)
    except ValueError:
        raise TapError(f"The placement's sigmas are not all numbers: {text[:40]!r}. {HOW}") from None
    if not 2 <= len(sigmas) <= MOST_STEPS or not all(math.isfinite(s) and s >= 0 for s in sigmas) or max(sigmas) == 0:
        raise TapError(f"The placement needs 2 sigmas or more, of 0 and above, and has {text[:40]!r}. {HOW}")
    return sigmas


def _line(line: str, steps: int) -> Line:
    match = re.fullmatch(r"(\d{1,5}) calls, about (-?\d{1,4}(?:\.\d{1,6})?) dB: (\d{1,5}(?: \d{1,5})*)", line, re.ASCII)
    if match is None:
        raise TapError(f"{line[:60]!r} is not a line of a placement; one is '10 calls, about 48 dB: 0 3 7'. {HOW}")
    full = tuple(int(word) for word in match[3].split(" "))
    if full[0] != 0 or any(b <= a for a, b in pairwise(full)) or full[-1] >= steps:
        raise TapError(f"The steps in {line[:60]!r} have to begin with 0, rise, and stay below {steps}. {HOW}")
    if len(full) != int(match[1]):
        raise TapError(f"The line {line[:60]!r} says {match[1]} calls and names {len(full)} steps. {HOW}")
    return Line(full, float(match[2]))
