"""A part of the probe's channels, which is enough to tell which predictor does best (bench/choice/README.md)."""

from torch import Tensor

# A probe keeps at least this many channels.
FEWEST_CHANNELS = 64


def strided_probe(probe: Tensor, stride: int) -> Tensor:
    """Every `stride`-th channel of a probe [B, N, D], or more where few would be left; a view of the probe."""
    stride = min(stride, probe.shape[-1] // FEWEST_CHANNELS)
    return probe[..., ::stride] if stride > 1 else probe
