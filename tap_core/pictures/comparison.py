"""How close two pictures or videos are: PSNR and SSIM. Pictures are [P, H, W, C], 0 to 1."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

# Wang et al. 2004, "Image quality assessment", section III: window of 11 pixels, sigma 1.5, K1 and K2.
WINDOW, SIGMA = 11, 1.5
C1, C2 = 0.01**2, 0.03**2
COLOURS = 3
MIDDLE = 0.5

Tick = Callable[[], None]


@dataclass(frozen=True)
class Comparison:
    """PSNR in dB of all frames together, inf if they are equal; mean SSIM, None below 11 pixels a side.

    frames: the PSNR of each frame in dB.
    """

    psnr: float
    ssim: float | None
    frames: tuple[float, ...]


def no_tick() -> None:
    """A tick that does nothing."""


def why_not_comparable(picture: Tensor, reference: Tensor, name: str = "picture") -> str | None:
    """A sentence if two batches cannot be compared, None if they can; one picture is compared with all of many."""
    sizes = [f"{batch.shape[2]} x {batch.shape[1]}" for batch in (picture, reference)]
    if sizes[0] != sizes[1]:
        return f"{name} is {sizes[0]} and reference is {sizes[1]} pixels: make both in the same size."
    channels = [min(batch.shape[3], COLOURS) for batch in (picture, reference)]
    if channels[0] != channels[1]:
        return f"{name} has {channels[0]} and reference {channels[1]} colours a pixel: connect pictures of one kind."
    counts = len(picture), len(reference)
    if 0 in counts:
        return f"{name} holds {counts[0]} and reference {counts[1]} pictures: there is nothing to compare."
    if counts[0] != counts[1] and 1 not in counts:
        return (f"{name} has {counts[0]} frames and reference has {counts[1]}: make both equally long, or connect one "
                "picture to compare all frames with.")
    if not all(bool(batch[..., :COLOURS].isfinite().all()) for batch in (picture, reference)):
        return f"{name} or reference holds values that are not numbers: its run failed, look at the pictures."
    return None


def compare(picture: Tensor, reference: Tensor, tick: Tick = no_tick) -> Comparison:
    """PSNR and SSIM of two batches that can be compared, see `why_not_comparable`. tick: called after each frame."""
    errors, ssims = [], []
    for one, other in pairs(picture, reference):
        errors.append(float((one.double() - other.double()).square().mean()))
        ssims.append(_ssim(one, other) if min(one.shape[:2]) >= WINDOW else None)
        tick()
    ssim = None if None in ssims else sum(ssims) / len(ssims)
    return Comparison(psnr_of_error(sum(errors) / len(errors)), ssim, tuple(map(psnr_of_error, errors)))


def psnr_of_error(error: float) -> float:
    """PSNR in dB of a mean squared error of values 0 to 1; inf for 0."""
    return -10 * math.log10(error) if error else math.inf


def pairs(picture: Tensor, reference: Tensor) -> list[tuple[Tensor, Tensor]]:
    """The frames that belong together, each [H, W, 3] on the CPU; a batch of one goes with every frame of the other."""
    count = max(len(picture), len(reference))
    return [(_frame(picture, i), _frame(reference, i)) for i in range(count)]


def _frame(batch: Tensor, number: int) -> Tensor:
    return batch[min(number, len(batch) - 1), ..., :COLOURS].float().cpu()


def _ssim(picture: Tensor, truth: Tensor) -> float:
    """Structural similarity, mean over the window's places and the channels, in float32."""
    channels = zip(picture.unbind(-1), truth.unbind(-1), strict=True)
    return sum(_ssim_of_channel(x.contiguous(), y.contiguous()) for x, y in channels) / picture.shape[-1]


def _ssim_of_channel(x: Tensor, y: Tensor) -> float:
    """The same of one channel [H, W] of each."""
    # A shift does not change variances, and the squares of small numbers lose fewer digits.
    x, y = x - MIDDLE, y - MIDDLE
    mean_x, mean_y, squares, product = _blur(torch.stack([x, y, x * x + y * y, x * y]))
    variances, covariance = squares - mean_x**2 - mean_y**2, product - mean_x * mean_y
    mean_x, mean_y = mean_x + MIDDLE, mean_y + MIDDLE
    similarity = (2 * mean_x * mean_y + C1) * (2 * covariance + C2)
    return float((similarity / ((mean_x**2 + mean_y**2 + C1) * (variances + C2))).double().mean())


def _blur(planes: Tensor) -> Tensor:
    """[P, H, W] averaged with the window's weights, without its borders.

    Sums of shifted planes: on a CPU they take a tenth of the time of a convolution.
    """
    line = torch.exp(-((torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2) ** 2) / (2 * SIGMA**2))
    weights = (line / line.sum()).tolist()
    for side in (-2, -1):
        length = planes.shape[side] - WINDOW + 1
        seen = planes.narrow(side, 0, length) * weights[0]
        for shift, weight in enumerate(weights[1:], 1):
            seen.add_(planes.narrow(side, shift, length), alpha=weight)
        planes = seen
    return planes
