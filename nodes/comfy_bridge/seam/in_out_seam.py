"""The seam of a model without an adapter: only its input and output are known.

x: [B, C, (T,) H, W] the noisy picture. Its patches are the tokens.
"""

from contextlib import nullcontext

import torch
from torch import Tensor, nn

from .block_count import CountedCall
from .call_target import CallTarget
from .cut import SIDE_PATCH
from .patches import Grid, patch_grid
from .seam import Decide, Forward, Predict
from .targets import Captured


class InOutAdapter:
    """Takes an adapter's place: tokens are latent patches, the probe is the model's input, the target its output."""

    name = "input/output fallback"
    side_patch = SIDE_PATCH

    def name_of(self, model: nn.Module) -> str:
        """As Adapter.name_of."""
        return self.name

    def patch(self, model: nn.Module) -> tuple[int, int, int]:
        """One frame, two rows, two columns."""
        return (1, 2, 2)

    def grid(self, model: nn.Module, latent: Tensor) -> Grid:
        """Frames, rows and columns of patches."""
        return patch_grid(latent, self.patch(model))


class InOutSeam:
    """One model call: `entering` [B, C, (T,) H, W] goes into the model, which a skipped call does not run at all.

    counted: counts the parts of the model that run.
    """

    def __init__(self, entering: Tensor, target: CallTarget, counted: CountedCall | None = None) -> None:
        self.target, self.counted = target, counted
        self.captured = Captured(probe=target.cut.tokens(entering))

    def compute(self, forward: Forward, options: dict) -> Tensor:
        """Run the model and capture what it made of x."""
        with nullcontext() if self.counted is None else self.counted.counting():
            denoised = forward(options)
        if self.counted is not None:
            self.captured.replaced = self.counted.replaced()
        if torch.is_tensor(denoised) and denoised.shape == self.target.x.shape:
            self.captured.target, self.captured.complete = self.target.read(denoised), True
        return denoised

    def forecast(self, forward: Forward, options: dict, predict: Predict) -> Tensor:
        """The denoised picture that the forecast implies."""
        return self._denoised(predict(self.captured.probe))

    def attempt(self, forward: Forward, options: dict, decide: Decide, verify: Tensor | None = None) -> Tensor:
        """Compute or forecast, as `decide` chooses; there is no block to run or to verify."""
        target = decide(self.captured)
        return self.compute(forward, options) if target is None else self._denoised(target)

    def _denoised(self, target: Tensor) -> Tensor:
        self.captured.complete = self.captured.skipped = True
        return self.target.write(target)
