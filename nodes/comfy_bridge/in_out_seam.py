"""The seam of a model without an adapter: nothing of it is known but what goes in and what comes out.

x: [B, C, (T,) H, W] noisy picture. Its patches are the tokens.
"""

import torch
from torch import Tensor, nn

from .patches import Grid, from_patches, patch_grid, to_patches
from .seam import Decide, Forward, Predict
from .targets import Caught


class InOutAdapter:
    """Stands in for an adapter: tokens are latent patches, the probe is the model's input, the target its output."""

    name = "input/output fallback"

    def patch(self, model: nn.Module) -> tuple[int, int, int]:
        """One frame, two rows, two columns."""
        return (1, 2, 2)

    def grid(self, model: nn.Module, latent: Tensor) -> Grid:
        """Frames, rows and columns of patches."""
        return patch_grid(latent, self.patch(model))


class InOutSeam:
    """One model call on x at these sigmas.

    The target is d = (x - denoised) / sigma: the noise, or for a flow model the velocity. It needs no look into the
    model, and a skipped call does not reach the model at all.
    """

    def __init__(self, sampling: object, x: Tensor, sigma: Tensor, grid: Grid) -> None:
        self.x, self.grid = x, grid
        self.sigma = sigma.reshape(-1, *[1] * (x.ndim - 1))
        self.caught = Caught(probe=to_patches(sampling.calculate_input(sigma, x), grid))

    def compute(self, forward: Forward, options: dict) -> Tensor:
        """Run the model and keep what it made of x."""
        denoised = forward(options)
        if torch.is_tensor(denoised) and denoised.shape == self.x.shape:
            self.caught.target = to_patches((self.x - denoised) / self.sigma, self.grid)
            self.caught.complete = True
        return denoised

    def forecast(self, forward: Forward, options: dict, predict: Predict) -> Tensor:
        """The denoised picture that the forecast implies."""
        return self._denoised(predict(self.caught.probe))

    def attempt(self, forward: Forward, options: dict, decide: Decide, verify: Tensor | None = None) -> Tensor:
        """Either, as `decide` says; there is no block to run or to verify."""
        target = decide(self.caught)
        return self.compute(forward, options) if target is None else self._denoised(target)

    def _denoised(self, target: Tensor) -> Tensor:
        self.caught.complete = self.caught.skipped = True
        return self.x - self.sigma * from_patches(target, self.grid, self.x.shape)
