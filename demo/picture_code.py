"""The linear half of the demo autoencoder: principal components of 8 x 8 pixel patches, written into TAESD's encoder.

To learn an encoder of this shape takes hours. Components are found in seconds and keep what people see of a picture.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

CHANNELS, PATCH = 16, 8
# 1 gives every component the same spread, 0 its own; in between, coarse structure counts more than fine structure.
WHITENING = 0.7


def patch_rows(pictures: np.ndarray) -> np.ndarray:
    """Pictures uint8 [N, H, W, 3] -> patches [N * H/8 * W/8, 3 * 64] in 0..1, channel before row before column."""
    count, height, width, _ = pictures.shape
    grid = pictures.reshape(count, height // PATCH, PATCH, width // PATCH, PATCH, 3)
    return grid.transpose(0, 1, 3, 5, 2, 4).reshape(-1, 3 * PATCH**2).astype(np.float32) / 255


def fit_components(pictures: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Kernel [16, 3, 8, 8] and bias [16] of the latents z = kernel * x + bias: zero mean, unit variance on average."""
    rows = patch_rows(pictures)
    mean = rows.mean(0)
    values, vectors = np.linalg.eigh(np.cov(rows - mean, rowvar=False))
    spread, basis = np.sqrt(values[::-1][:CHANNELS]), vectors[:, ::-1][:, :CHANNELS].T
    gain = spread**-WHITENING
    gain /= np.sqrt(((gain * spread) ** 2).mean())
    kernel = torch.from_numpy((gain[:, None] * basis).astype(np.float32))
    return kernel.reshape(CHANNELS, 3, PATCH, PATCH), -kernel @ torch.from_numpy(mean)


def encode(x: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """Latents [B, 16, H/8, W/8] of pictures [B, 3, H, W] in 0..1."""
    return F.conv2d(x, kernel, bias, stride=PATCH)


@torch.no_grad()
def write_encoder(encoder: nn.Sequential, kernel: torch.Tensor, bias: torch.Tensor) -> None:
    """Makes TAESD's encoder compute `encode`. A block of zeros is only a ReLU, so values must stay above 0."""
    for value in encoder.parameters():
        value.zero_()
    encoder[0].weight[range(3), range(3), 1, 1] = 1
    encoder[0].bias[3] = 1  # a channel that is always 1, to lift signed values above 0 and back
    for layer, channels in ((2, 3), (6, 12)):
        fold_pixels(encoder[layer].weight, channels)
    lift = -kernel.clamp(max=0).sum((1, 2, 3))
    last_fold = encoder[10].weight
    last_fold[:CHANNELS, :48, 1:, 1:] = fold_kernel(kernel)
    last_fold[:CHANNELS, 48, 1, 1] = lift
    encoder[14].weight[range(CHANNELS), range(CHANNELS), 1, 1] = 1
    encoder[14].bias.copy_(bias - lift)


def fold_pixels(weight: torch.Tensor, channels: int) -> None:
    """A stride 2 kernel: 2 x 2 pixels become 4 times the channels; the channel of ones stays the last."""
    source = torch.arange(channels)
    for corner in range(4):
        weight[4 * source + corner, source, 1 + corner // 2, 1 + corner % 2] = 1
    weight[4 * channels, channels, 1, 1] = 1


def fold_kernel(kernel: torch.Tensor) -> torch.Tensor:
    """[16, 3, 8, 8] -> [16, 48, 2, 2]: the same kernel on pixels that were folded twice."""
    twice = kernel.reshape(CHANNELS, 3, 2, 2, 2, 2, 2, 2)  # rows 4a + 2b + c, columns too; the last is folded first
    return twice.permute(0, 1, 4, 7, 3, 6, 2, 5).reshape(CHANNELS, 48, 2, 2)
