"""Which latent an evaluation is of, where a sampler evaluates several at one noise level.

Heun's method comes to a level twice with nearly the same x: that is one latent with one past. Others draw the noise of
a level anew and evaluate again, or follow a second picture: one latent cannot be forecast from the past of another.
"""

from .motion import Motion

# Farther off than this share of a step: another latent. On the first two levels, where latents that were equal start
# to differ, less is enough.
FAR, FAR_AT_FIRST = 1.0, 0.5
SEVERAL_LATENTS = ("This sampler, or a node behind TAP Accelerate, evaluates several latents at one noise level. Each "
                   "is forecast from its own past, and the errors of the forecasts stay in the picture.")
NO_QUALITY = ("This sampler, or a node behind TAP Accelerate, evaluates several latents at one noise level, and TAP "
              "cannot tell how close their picture is; every step was computed in full from there on. Choose another "
              "sampler, put the node before TAP Accelerate, or set quality to fixed.")


class Levels:
    """The evaluations of one run, level by level.

    repeats: whether the current one is at the sigma of the one before it, in a run whose first level was evaluated
    twice; whatever corrects a step, as Heun's method does, evaluates that level once. apart: whether a level has
    several latents. unclear: whether nothing is known yet, as both latents may still be equal at the first level; the
    next one should then be computed in full.
    """

    def __init__(self) -> None:
        self._place: tuple[float, float] | None = None
        self._count, self._from_the_first = 0, False
        self.apart, self.unclear = False, False

    def begin(self, position: float, sigma: float) -> None:
        """An evaluation starts."""
        place = (position, sigma)
        self._count = self._count + 1 if place == self._place else 0
        self._from_the_first = self._from_the_first or (self._count > 0 and position == 0)
        if not self._count and self._place is not None and self._place[0] > 0:
            self.unclear = False  # only the level after the first one may still tell
        self._place = place

    def judge(self, motion: Motion) -> bool:
        """At a repeat that is computed in full: whether it shows that there are several latents. Waits for the device.

        Once they are known to be several nothing is asked any more.
        """
        if self.apart or motion.again is None:
            return False
        distance, step = motion.again.tolist()
        self.apart = distance > (FAR_AT_FIRST if self.unclear or self._place[0] == 0 else FAR) * step
        self.unclear = not self.apart and self._place[0] == 0
        return self.apart

    @property
    def repeats(self) -> bool:
        """Whether the current evaluation may be one of another latent at the same level."""
        return self._from_the_first and self._count > 0

    @property
    def latent(self) -> int:
        """The number of the current latent among those of its level; 0 while all are taken for one."""
        return self._count if self.apart else 0
