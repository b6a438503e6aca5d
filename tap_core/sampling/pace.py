"""Which step an evaluation belongs to: by its sigma, or by counting where the model is told another sigma.

Some nodes tell the model another sigma than the sampler's, for more or less detail; x still moves by the sampler's own.
"""

import math
from functools import partial

import torch
from torch import Tensor

from ..timeline import SIGMA_TOLERANCE, Timeline
from .readback import Readback

OWN_STEPS = ("This sampler chooses its own steps, which forecasts cannot follow; every step was computed in full from "
             "there on. Choose one that keeps to the sigmas it is given, such as euler or dpmpp_2m.")
OTHER_SIGMAS = ("The model is called at other sigmas than those of the run, and this sampler chooses its own steps or "
                "adds noise, which forecasts cannot follow; every step was computed in full from there on. Choose "
                "euler or dpmpp_2m without churn, or remove the node that changes the sigmas.")

OTHER_SIZE = ("This sampler changes the size of the picture during the run, and nothing can be forecast from a smaller "
              "one; every step was computed in full from there on. Choose another sampler.")


class Pace:
    """The evaluations of one sampler. `told` is called when the sampler says that a step is evaluated.

    position: of the current evaluation. sigma: the sampler's own there. shifted: whether the model is told others.
    follows: whether it belongs to a step of the list, as far as sigma and count tell. doubt: whether that is unclear,
    and the evaluation should be computed in full. rises: whether that is for a first sigma above its own, as of churn.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline, self._count = timeline, 0
        self._said, self._single = True, True  # since the latest evaluation; one evaluation a step so far
        self._rose, self._exact = False, True
        self.position, self.sigma, self.shifted, self.follows = 0.0, 0.0, False, True
        self.doubt, self.rises = False, False

    def told(self) -> None:
        """The sampler says that it has evaluated a step, as ComfyUI's samplers do once a step for the preview."""
        self._said = True

    @property
    def expected(self) -> float | None:
        """The sigma of the next evaluation, where the sampler has called the model once at each of its sigmas so far.

        None for the first three: one that evaluates a step twice, the first or the second one, shows itself by then.
        """
        known = self._exact and self._single and self._said and 2 < self._count < self._timeline.steps
        return self._timeline.sigmas[self._count] if known else None

    def sigma_of(self, told: Tensor, readback: Readback | None) -> float:
        """The sigma that the model is told, a scalar; the expected one where there is one, which `readback` checks.

        So a skipped step need not wait for its device. Without a `readback` it is read here.
        """
        expected = self.expected
        if expected is None or readback is None:
            return float(told)
        readback.ask(told, partial(self.confirm, expected))
        return expected

    def confirm(self, expected: float, told: Tensor) -> None:
        """Take what the model was told where a sigma was expected; if it was another one, none is expected again."""
        self._exact = self._exact and float(told) == float(torch.tensor(expected, dtype=told.dtype))

    @property
    def why_not(self) -> str:
        """Why the sampler is not followed, for the report."""
        return OTHER_SIGMAS if self.shifted else OWN_STEPS

    def begin(self, sigma: float) -> None:
        """An evaluation starts, for which the model is told `sigma`."""
        number, before, timeline = self._count, self.position, self._timeline
        self._single, self._said, self._count = self._single and self._said, False, number + 1
        self.position, self.sigma = timeline.position(sigma, before), sigma
        over = number > 0 and timeline.passes_over(before, self.position)
        counts = self._single and number < timeline.steps
        # The second evaluation may be another one of the first step, until the sampler says that it is not.
        if counts and number != 1 and not _same(sigma, timeline.sigmas[number]):
            listed = any(_same(sigma, one) for one in timeline.sigmas)
            self.shifted = self.shifted or over or self.position > number or not listed
        ahead = number == 1 and self.position > number
        if counts and (self.shifted or ahead):
            self.position, self.sigma = float(number), timeline.sigmas[number]
        self._exact = self._exact and (number == 0 or (counts and sigma == timeline.sigmas[number]))
        above = sigma > self.sigma and not _same(sigma, self.sigma)
        self.rises = self.shifted and above and number > 0 and not self._rose
        self._rose = self._rose or self.rises
        self.doubt = self.rises or (counts and ahead and not self.shifted)
        self.follows = counts or not (over or self.shifted)


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=SIGMA_TOLERANCE)
