"""The sampler's slope at its newest evaluation, d = (x - denoised) / sigma, computed once for all who ask.

sigma is the sampler's own. Nobody writes into what is given here: whoever adds to it makes a new tensor.
"""

from torch import Tensor


class Slopes:
    """Of one run. x, denoised: latents [B, C, ...]; they are the same evaluation's where they are the same tensors."""

    def __init__(self) -> None:
        self._evaluation: tuple[Tensor, Tensor] | None = None
        self._off: Tensor | None = None
        self._slope: tuple[float, Tensor] | None = None
        self._sum: tuple[Tensor, Tensor, Tensor] | None = None  # of the first two

    def off(self, x: Tensor, denoised: Tensor) -> Tensor:
        """x - denoised, [B, C, ...]."""
        if self._evaluation is None or self._evaluation[0] is not x or self._evaluation[1] is not denoised:
            self.forget()
            self._evaluation, self._off = (x, denoised), x - denoised
        return self._off

    def slope(self, x: Tensor, denoised: Tensor, sigma: float) -> Tensor:
        """d, [B, C, ...]."""
        off = self.off(x, denoised)
        if self._slope is None or self._slope[0] != sigma:
            self._slope = sigma, off / sigma
        return self._slope[1]

    def plus(self, total: Tensor, slope: Tensor) -> Tensor:
        """total + slope, [B, C, ...]; two who add the same slopes from the same evaluation on have one sum."""
        if self._sum is None or self._sum[0] is not total or self._sum[1] is not slope:
            self._sum = total, slope, total + slope
        return self._sum[2]

    def forget(self) -> None:
        """Whatever is asked next is computed: the tensors may have been written into."""
        self._evaluation = self._off = self._slope = self._sum = None
