"""How far the denoised picture stays still when x leaves its path, by a drift or by fresh noise.

1: it stays as it was. 0: it moves along with x, and the slope d = (x - denoised) / sigma stays as it was.
"""

# Three flow models were most often half way between the two, for drifts and for noise (bench/drift/README.md). Where
# noise is added to the picture, the same holds for the mix that x stands for, see replay.py; for forecasts under fresh
# noise it was not measured there, and the picture is taken to stay still.
STILL_SHARE = 0.5


def still_share(mixed: bool) -> float:
    """The share for a run, 0 to 1. mixed: whether x is a mix of picture and noise."""
    return STILL_SHARE if mixed else 1.0
