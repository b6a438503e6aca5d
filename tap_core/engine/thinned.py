"""The probe on a part of its channels, which is enough to tell which predictor does best (bench/README.md)."""

from torch import Tensor

# A probe is left with at least so many channels.
FEWEST_CHANNELS = 64


def thinned(probe: Tensor, stride: int) -> Tensor:
    """Every `stride`-th channel of a probe [B, N, D], or more of them where few would be left; itself if all."""
    stride = min(stride, probe.shape[-1] // FEWEST_CHANNELS)
    return probe[..., ::stride].contiguous() if stride > 1 else probe
