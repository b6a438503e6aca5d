"""How close two pictures are. Pictures are [H, W, 3], floats from 0 to 1."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def psnr(picture: Tensor, truth: Tensor) -> float:
    """Peak signal to noise ratio in dB, in float64; infinite for equal pictures."""
    error = float((picture.double() - truth.double()).square().mean())
    return -10 * math.log10(error) if error else math.inf


def ssim(picture: Tensor, truth: Tensor) -> float:
    """Structural similarity (Wang et al. 2004): Gaussian window of 11 pixels, sigma 1.5; mean over channels."""
    x, y = (image.double().permute(2, 0, 1)[:, None] for image in (picture, truth))
    mean_x, mean_y = _blur(x), _blur(y)
    var_x, var_y = _blur(x * x) - mean_x**2, _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return float((similarity / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))).mean())


def relative_error(latent: Tensor, truth: Tensor) -> float:
    """|latent - truth| / |truth| of latents of any shape, in float64."""
    return float((latent.double() - truth.double()).norm() / truth.double().norm())


def latent_psnr(latents: Tensor, truth: Tensor) -> float:
    """PSNR of latents, the peak being the range of the true ones."""
    span = float(truth.max() - truth.min())
    return psnr(latents.float() / span, truth.float() / span)


def _blur(image: Tensor) -> Tensor:
    """[C, 1, H, W] seen through the window, without its borders."""
    line = torch.exp(-((torch.arange(11, dtype=image.dtype) - 5) ** 2) / (2 * 1.5**2))
    line = line / line.sum()
    return F.conv2d(F.conv2d(image, line.view(1, 1, 11, 1)), line.view(1, 1, 1, 11))
