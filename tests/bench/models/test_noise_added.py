"""A flow model behind the scale of x that SDXL has: the same model."""

from __future__ import annotations

import torch

from models.noise_added import HIGHEST, noise_added
from tiny_flux import tiny_flux

SIZE = (2, 16, 4, 6)


def test_the_same_picture_is_seen_behind_another_scale_of_x() -> None:
    model = tiny_flux()
    flow, added = (each.get_model_object("model_sampling") for each in (model, noise_added(model)))
    level = torch.tensor([0.3, 0.8])
    sigma = level / (1 - level)
    generator = torch.Generator().manual_seed(0)
    picture, noise, output = torch.randn(3, *SIZE, generator=generator)
    mixed = flow.noise_scaling(level[:, None, None, None], noise, picture)
    x = added.noise_scaling(sigma, noise, picture)
    torch.testing.assert_close(added.calculate_input(sigma, x), mixed)
    torch.testing.assert_close(added.timestep(sigma), flow.timestep(level))
    torch.testing.assert_close(added.sigma(level), flow.sigma(level) / (1 - flow.sigma(level)))
    torch.testing.assert_close(added.calculate_denoised(sigma, output, x),
                               flow.calculate_denoised(level, output, mixed))
    assert 0.9 * HIGHEST < added.sigma_max <= HIGHEST and added.sigma_min < 0.1
