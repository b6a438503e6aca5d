"""The pictures that the models of `placement` are trained on, and their linear code."""

from __future__ import annotations

import pytest
import torch

from models import train_balls, train_words
from models.train_code import CHANNELS, LinearCode


@pytest.mark.parametrize("data", [train_words, train_balls])
def test_pictures_survive_their_linear_code(data):
    films = torch.stack([data.draw(seed)[0] for seed in range(40)])
    code = LinearCode.fit(films)
    latents = code.encode(films)
    assert latents.shape == (40, CHANNELS, films.shape[1], films.shape[-1] // 4, films.shape[-1] // 4)
    assert latents.mean().abs() < 1e-3 and latents.square().mean() == pytest.approx(1, abs=0.05)
    assert (code.decode(latents) - films).square().mean() < 3e-3


@pytest.mark.parametrize("data", [train_words, train_balls])
def test_a_seed_draws_one_picture_and_its_code(data):
    (film, code), (again, same), (other, _) = data.draw(3), data.draw(3), data.draw(4)
    assert torch.equal(film, again) and torch.equal(code, same) and not torch.equal(film, other)
    assert code.shape == (data.TOKENS, data.WIDTH) and film.min() >= 0 and film.max() <= 1
