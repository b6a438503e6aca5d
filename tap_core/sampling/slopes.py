"""The slope at the newest evaluation, d = (x - denoised) / t, computed once for all who ask.

x is a mix of picture and noise, and t its noise level, which is the sampler's own sigma. Where noise is added to the
picture, x is taken as the mix that it stands for, see noise_level.py. Nobody writes into what is given here: whoever
adds to it makes a new tensor.
"""

from torch import Tensor

from ..noise_level import mix
from ..predictors.on_processor import to_device

# Where prompts or controls change, slopes go on over a change smaller than this share of them; see bench/samplers.
SMALL = 0.25


class Slopes:
    """Of one run. mixed: whether its x is a mix as it is.

    x, denoised: latents [B, C, ...]; they are the same evaluation's where they are the same tensors.
    """

    def __init__(self, mixed: bool = True) -> None:
        self._mixed = mixed
        self._mix: tuple[Tensor, float, Tensor] | None = None
        self._evaluation: tuple[Tensor, Tensor] | None = None
        self._off: Tensor | None = None
        self._slope: tuple[float, Tensor] | None = None
        self._sum: tuple[Tensor, Tensor, Tensor] | None = None  # of the first two

    def mix(self, x: Tensor, level: float) -> Tensor:
        """x as a mix at this noise level, [B, C, ...]."""
        if self._mixed:
            return x
        if self._mix is None or self._mix[0] is not x or self._mix[1] != level:
            self._mix = x, level, mix(x, level, mixed=False)
        return self._mix[2]

    def off(self, x: Tensor, denoised: Tensor) -> Tensor:
        """x - denoised, [B, C, ...]."""
        if self._evaluation is None or self._evaluation[0] is not x or self._evaluation[1] is not denoised:
            self._slope = self._sum = None
            self._evaluation, self._off = (x, denoised), x - denoised
        return self._off

    def slope(self, x: Tensor, denoised: Tensor, level: float) -> Tensor:
        """d, [B, C, ...]; x: the mix."""
        off = self.off(x, denoised)
        if self._slope is None or self._slope[0] != level:
            self._slope = level, off / level
        return self._slope[1]

    def plus(self, total: Tensor, slope: Tensor) -> Tensor:
        """total + slope, [B, C, ...]; two who add the same slopes from the same evaluation on have one sum."""
        if self._sum is None or self._sum[0] is not total or self._sum[1] is not slope:
            self._sum = total, slope, total + slope
        return self._sum[2]

    @staticmethod
    def jump(slope: Tensor, before: Tensor) -> bool:
        """Whether a full step's slope has little to do with that of the one before it, [B, C, ...]; waits for both.

        Of steps between which the conditions changed: a small change is as good as none.
        """
        return bool((slope - to_device(before, slope.device)).norm() > SMALL * slope.norm())

    def forget(self) -> None:
        """Whatever is asked next is computed: the tensors may have been written into."""
        self._evaluation = self._off = self._slope = self._sum = self._mix = None
