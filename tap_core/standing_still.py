"""How far the denoised picture stands still where x leaves its course, by a drift or by fresh noise.

1: it stays as it was. 0: it moves along with x, and the slope d = (x - denoised) / sigma stays as it was.
"""

from collections.abc import Sequence

from .noise_level import mixes

# Three flow models answered most often half way, to drifts and to noise alike (bench/README.md). Of models whose noise
# is added to the picture none was measured, and the picture is taken to stand still.
STANDS_STILL = 0.5


def stands_still(sigmas: Sequence[float]) -> float:
    """The share for a run with these noise levels."""
    return STANDS_STILL if mixes(sigmas) else 1.0
