"""Whether a run's slopes go on as they went from one full step to the next, or turn back.

d: the slope of an evaluation, see slopes.py. d_0, d_1: of the last two full steps, a = d_0 - d_1. b = d - d_0: the
change that the full step after them then showed.

c = sum <a, b> / sum |a| |b| over the full steps of a run, -1 to 1, picture by picture. Forecasts carry a on. This makes
the next gap worse where the slopes turn back: with long gaps or strong guidance a is mostly the model's answer to a
drift that is repaid by then. Trust does not see this: it is learned of each prompt by itself, and guidance magnifies
what the prompts' forecasts differ by.

share = (c + 0.45) / 0.55, and before c is known (1.1 - |a| / |d_0|) / 0.3, both within 0 and 1: how much of a
forecast's change to take. back = 3 (-0.65 - c), within 0 and 0.5: where slopes swing about a mean, the newest target
goes so far back to the one before it. Where c is above 0.45 slopes go on steadily: then forecasts go all the way, see
Lineup.steadily (bench/orders/README.md).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..predictors.on_processor import to_device
from ..predictors.token_chunks import token_chunks
from .readback import Ask

TURNED, ON = -0.45, 0.1
LARGEST, LARGE = 1.1, 0.8
SWINGS, STEEP, HALF = -0.65, 3.0, 0.5
STEADY = 0.45


class Trend:
    """Of one run; it never waits for the device. share, back, steady: [B], None before two full steps are known.

    steady: 1 where the slopes go on steadily, else 0.
    """

    def __init__(self) -> None:
        self.share: Tensor | None = None
        self.back: Tensor | None = None
        self.steady: Tensor | None = None
        self._sums: Tensor | None = None
        self._swings: Tensor | None = None  # whether any slope swings, once that is read

    def add(self, slope: Tensor, before: Sequence[Tensor], noisy: Tensor | None = None) -> None:
        """A full step's slope [B, C, ...], and those of the full steps before it, newest first.

        noisy: a scalar, whether the sampler adds noise: it makes slopes jump, which says nothing of what comes.
        """
        if not before:
            return
        change = slope - before[0]
        if len(before) > 1:
            earlier = before[0] - before[1]
            terms = torch.stack([_dot(earlier, change), (_dot(earlier, earlier) * _dot(change, change)).sqrt()])
            self._sums = terms if self._sums is None else self._sums + terms
        if self._sums is None:
            size = (_dot(change, change) / _dot(slope, slope)).sqrt().nan_to_num()
            share, back = (LARGEST - size) / (LARGEST - LARGE), torch.zeros_like(size)
            steady = torch.zeros_like(size)
        else:
            cosine = (self._sums[0] / self._sums[1]).nan_to_num(nan=1.0)
            share, back = (cosine - TURNED) / (ON - TURNED), (SWINGS - cosine) * STEEP
            steady = (cosine > STEADY).float()
        self._swings = None
        calm = 1.0 - _number(noisy)
        self.share, self.back = (share.clamp(0, 1) - 1) * calm + 1, back.clamp(0, HALF) * calm
        self.steady = steady * calm

    def ask(self, ask: Ask) -> None:
        """Have it read whether any slope swings: if none does, `turned_back` has nothing to do."""
        if self.back is not None:
            ask(self.back.any(), self._take)

    def _take(self, swings: Tensor) -> None:
        self._swings = swings

    def fits(self, batch: int) -> bool:
        """Whether something is known of each picture of a model call with `batch` of them."""
        return self.share is not None and len(self.share) == batch

    def turned_back(self, forecast: Tensor, targets: Sequence[Tensor]) -> Tensor:
        """A forecast [B, N, C] that goes back as far as the slopes swing. targets: of full steps, newest first."""
        # Tensors without values are there where operators are counted.
        still = self._swings is not None and not self._swings.is_meta and not self._swings
        if len(targets) < 2 or still:
            return forecast
        back = to_device(self.back, forecast.device)[:, None, None].to(forecast)
        if targets[1].device == forecast.device:
            return forecast.lerp(targets[1].to(forecast), back)
        # Kept on the processor because the device has little room: in pieces.
        result = torch.empty_like(forecast)
        for to, picture, before, share in zip(result, forecast, targets[1], back, strict=True):
            for part in token_chunks(len(picture), 3 * picture[0].nbytes, picture.device):
                to[part] = picture[part].lerp(to_device(before[part], picture.device).to(picture), share)
        return result


def _number(noisy: Tensor | None) -> float | Tensor:
    """As a number: on the processor it is known, and to copy it to the device would wait."""
    if noisy is None or noisy.device.type == "cpu":
        return float(noisy is not None and bool(noisy))
    return noisy.float()


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """[B] in float32: sums over everything but the pictures."""
    return (a.float() * b.float()).reshape(len(a), -1).sum(1)
