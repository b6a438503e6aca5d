"""The models of the placement benchmark: a training of a few steps, and what is loaded of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models import train_models
from models.pack import load_pack


@pytest.mark.parametrize("name", train_models.LESSONS)
def test_a_lesson_is_trained_carried_on_and_loaded(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_pack()
    import comfy.model_management

    monkeypatch.setattr(comfy.model_management, "in_training", False)
    monkeypatch.setattr(train_models, "FOLDER", tmp_path)
    lesson = replace(train_models.LESSONS[name], pictures=12, batch=2)
    train_models.train(lesson, steps=2)
    assert train_models.steps_done(lesson) == 2
    model, code = train_models.load(lesson)
    first = {key: value.clone() for key, value in model.diffusion_model.state_dict().items()}
    assert all(value.isfinite().all() for value in first.values())

    train_models.train(lesson, steps=3)
    assert train_models.steps_done(lesson) == 3
    again, _ = train_models.load(lesson)
    assert any(not torch.equal(first[key], value) for key, value in again.diffusion_model.state_dict().items())

    film, _ = lesson.draw(0)
    back = code.decode(code.encode(film[None]))[0]
    assert back.shape == film.shape
    assert float((back - film).abs().mean()) < 0.1
