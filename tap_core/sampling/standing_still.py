"""How far the denoised picture stands still where x leaves its course, by a drift or by fresh noise.

1: it stays as it was. 0: it moves along with x, and the slope d = (x - denoised) / sigma stays as it was.
"""

# Three flow models answered most often half way, to drifts and to noise alike (bench/README.md). Of models whose noise
# is added to the picture none was measured, and the picture is taken to stand still.
STANDS_STILL = 0.5


def stands_still(mixed: bool) -> float:
    """The share for a run. mixed: whether x is a mix of picture and noise."""
    return STANDS_STILL if mixed else 1.0
