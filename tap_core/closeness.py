"""How close a picture is to the one with every step computed: a figure in dB, and words for it.

A run that skips steps drifts off the path of the full run. What its gaps drifted, as a share of the picture, tells how
far off the picture is. One line serves all samplers and settings. Models differ by up to 17 dB; the line lies near the
one of three whose pictures are farthest off (bench/closeness/README.md).
"""

import math
from dataclasses import dataclass

# PSNR = AT_ONE - PER_DECIBEL * (drift in dB), fitted on three models.
AT_ONE, PER_DECIBEL = 14.0, 0.79
# A sampler that evaluates each step twice makes less of a drift; skipped steps at the end are not in it.
TWICE, OPEN_END = 2.5, 3.8
# More is made of a drift by stronger guidance and in shorter runs: so many dB for each doubling of CFG 2, and for each
# halving of 20 steps.
GUIDED, WEAK = 1.5, 2.0
SHORT, ENOUGH_STEPS = 6.2, 20.0
# So many dB below the line and above it lie eight of ten pictures of three models together: usually, where slopes turn,
# under fresh noise, and of one model once it is known by how much its pictures are closer (bench/closeness/README.md).
USUAL, TURNING, NOISY, OF_ONE_MODEL = (6.0, 20.0), (11.0, 22.0), (7.0, 18.0), (9.0, 8.0)
# A sampler that remembers past steps makes more of a drift where slopes turn. Its steps then end off plain ones: beyond
# this share of the step, so many dB for each doubling.
CALM, PER_DOUBLING = 0.1, 4.0
# Fresh noise shows what a forecast did not know, however few steps are skipped.
MOST_RENEWED = 27.0
# So many dB closer, or less close, than the line may a model's pictures be; models differ by 17.
MOST_CLOSER = 30
# Equal pictures, and pictures that have nothing in common.
MOST, LEAST = 80.0, 8.0

# What a quality asks for; a fixed number of computed steps asks for nothing.
FIXED = "fixed"
QUALITIES = {"same": 50.0, "close": 42.0, "good": 35.0, "draft": 28.0, FIXED: 0.0}

SAME = "no difference to be seen"
DETAIL = "small differences in detail"
REDRAWN = "the same picture, drawn differently"
ANOTHER = "another picture"
# From so many dB on.
WORDS = {40.0: SAME, 32.0: DETAIL, 22.0: REDRAWN}
UNKNOWN = "how close the picture is, is not known"


def words_of(decibels: float) -> str:
    """How close a picture of this PSNR is, such as "no difference to be seen"."""
    return next((words for least, words in WORDS.items() if decibels >= least), ANOTHER)


@dataclass(frozen=True)
class Closeness:
    """An estimate of the PSNR against the picture with every step computed; eight of ten lie from low to high."""

    decibels: float
    low: float
    high: float

    @property
    def words(self) -> str:
        """Such as "no difference to be seen", for the figure as it is shown."""
        return words_of(round(self.decibels))

    @property
    def figure(self) -> str:
        """Such as "about 47 dB, mostly 41 to 67"."""
        return f"about {self.decibels:.0f} dB, mostly {self.low:.0f} to {self.high:.0f}"

    @property
    def in_words(self) -> str:
        """Such as "no difference to be seen (about 47 dB, mostly 41 to 67)"."""
        return f"{self.words} ({self.figure})"

    def __str__(self) -> str:
        """Such as "no difference to be seen (about 47 dB)"."""
        return f"{self.words} (about {self.decibels:.0f} dB)"


@dataclass(frozen=True)
class Line:
    """From the drift of a run to its closeness.

    twice: the share of the steps that the sampler evaluates twice. open_end: whether the last steps were skipped.
    renewed: whether the sampler draws all of its noise anew at each step, noisy: some of it. closer: how many dB
    pictures of the model are closer than the line for all models says. turned: see Motion. guidance: the guider's cfg.
    steps: how many there are in a run that makes a picture from noise alone.
    """

    twice: float = 0.0
    open_end: bool = False
    renewed: bool = False
    closer: float = 0.0
    turned: float = 0.0
    noisy: bool = False
    guidance: float = WEAK
    steps: float = ENOUGH_STEPS

    def closeness(self, drift: float) -> Closeness | None:
        """drift: sum of the gaps' squared drifts over the picture's square; None if that is not a number."""
        if not math.isfinite(drift) or drift < 0:
            return None
        decibels = self._at_one - PER_DECIBEL * 10 * math.log10(max(drift, 1e-20))
        if not math.isfinite(decibels):
            return None
        if self.renewed:
            decibels = min(decibels, MOST_RENEWED)
        decibels = min(max(decibels, LEAST), MOST)
        less, more = self._spread
        return Closeness(decibels, max(decibels - less, 0.0), decibels + more)

    @property
    def _spread(self) -> tuple[float, float]:
        """How far below the line and above it pictures mostly lie, in dB."""
        if self.closer:
            return OF_ONE_MODEL
        if self.turned > CALM:
            return TURNING
        return NOISY if self.noisy or self.renewed else USUAL

    def drift(self, decibels: float) -> float:
        """The drift at which a picture is so close."""
        return 10 ** ((self._at_one - decibels) / PER_DECIBEL / 10)

    @property
    def _at_one(self) -> float:
        less = (OPEN_END * self.open_end + PER_DOUBLING * doublings(self.turned, CALM)
                + GUIDED * doublings(self.guidance, WEAK) + SHORT * doublings(ENOUGH_STEPS, self.steps))
        return AT_ONE + TWICE * self.twice + self.closer - less


def doublings(one: float, other: float) -> float:
    """How many doublings one is above another; 0 below it."""
    return math.log2(max(one / other, 1.0))
