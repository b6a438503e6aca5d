"""Restraint: how much of a gap's drift is repaid.

A full step at a drifted x already pulls the drift back, by gamma of it over the way to level 0. Its slope takes this
along, so that a drift which is repaid in full is made good twice, and the picture swings. gamma grows with the noise
level and with guidance (bench/drift/README.md).
"""

from torch import Tensor

from ..timeline import UNKNOWN_GUIDANCE

# gamma at pure noise, for each unit of guidance above 1; half a unit more is there without guidance, see still_share.
PULL = 1.8
# A drift of this share of the distance moved is repaid by half at guidance 2, of a third of it at guidance 4. Larger
# ones are repaid less: models answer them in other directions than straight back.
LARGE = 0.4


class Restraint:
    """Of one run. guidance: the guider's cfg, None if not known."""

    def __init__(self, guidance: float | None = None) -> None:
        self._beyond = max((UNKNOWN_GUIDANCE if guidance is None else guidance) - 1, 0.0)

    @property
    def repays_all(self) -> bool:
        """Whether every drift is repaid in full, as without guidance."""
        return self._beyond == 0

    def share(self, drift: Tensor, moved: Tensor, level: float, before: float) -> Tensor:
        """The share of a gap's drift that is repaid, [B, 1, ...]; each picture of a batch counts for itself.

        drift: [B, C, ...] the mean re-estimated slope minus the mean forecast one; moved: the latter. level, before:
        noise levels of the full step after the gap, and of the one before it.
        """
        ahead = min(max((before - level) / level, 0.0), 1.0)  # the next full step will be about as far
        pulled = PULL * self._beyond * level * ahead
        size = _sum_of_squares(drift) / _sum_of_squares(moved) * (self._beyond / LARGE) ** 2
        return max(1 - pulled, 0.0) / (1 + size.square()).nan_to_num(nan=1)


def _sum_of_squares(latents: Tensor) -> Tensor:
    """Sum of squares for each picture: [B, C, ...] -> [B, 1, ...]."""
    return latents.square().sum(tuple(range(1, latents.ndim)), keepdim=True)
