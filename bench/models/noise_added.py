"""A flow model whose noise is added to the picture, as SDXL's is: the same model behind another scale of x.

x = picture + sigma noise is (1 + sigma) times the mix (1 - t) picture + t noise at t = sigma / (1 + sigma).
"""

from __future__ import annotations

from torch import Tensor, nn

# SDXL's highest sigma.
HIGHEST = 14.6


def noise_added(model: object) -> object:
    """A clone of a flow model that is sampled so; a patch for models.stage.Course."""
    clone = model.clone()
    clone.add_object_patch("model_sampling", NoiseAdded(model.get_model_object("model_sampling")))
    return clone


class NoiseAdded(nn.Module):
    """What ComfyUI asks of `model_sampling`. flow: that of the flow model.

    sigma: [B]; x, noise, latent: [B, C, ...].
    """

    def __init__(self, flow: nn.Module) -> None:
        super().__init__()
        self.flow = flow
        sigmas = (flow.sigmas.double() / (1 - flow.sigmas.double()).clamp(min=1e-9)).float()
        self.register_buffer("sigmas", sigmas[sigmas <= HIGHEST])

    @property
    def sigma_min(self) -> Tensor:
        """The lowest noise level."""
        return self.sigmas[0]

    @property
    def sigma_max(self) -> Tensor:
        """The highest noise level."""
        return self.sigmas[-1]

    def calculate_input(self, sigma: Tensor, x: Tensor) -> Tensor:
        """What the model gets for x: the mix."""
        return x / (1 + _as(sigma, x))

    def calculate_denoised(self, sigma: Tensor, output: Tensor, x: Tensor) -> Tensor:
        """The picture, of what the flow model gives."""
        sigma = _as(sigma, x)
        return x / (1 + sigma) - output * (sigma / (1 + sigma))

    def timestep(self, sigma: Tensor) -> Tensor:
        """What the model is told."""
        return self.flow.timestep(sigma / (1 + sigma))

    def sigma(self, timestep: Tensor) -> Tensor:
        """The noise level that schedulers take for a timestep."""
        level = self.flow.sigma(timestep)
        return level / (1 - level)

    def noise_scaling(self, sigma: Tensor, noise: Tensor, latent: Tensor, max_denoise: bool = False) -> Tensor:
        """Where a run starts."""
        return latent + noise * _as(sigma, noise)

    def inverse_noise_scaling(self, sigma: Tensor, latent: Tensor) -> Tensor:
        """What a run ends with: no noise is left."""
        return latent

    def percent_to_sigma(self, percent: float) -> float:
        """The noise level at a share of the run."""
        if percent <= 0:
            return 999999999.9  # ComfyUI's own for "before the first step"
        level = self.flow.percent_to_sigma(percent)
        return min(level / (1 - level), HIGHEST)


def _as(sigma: Tensor, x: Tensor) -> Tensor:
    return sigma.view(sigma.shape[:1] + (1,) * (x.ndim - 1)) if sigma.ndim else sigma
