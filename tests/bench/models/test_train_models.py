"""The models of the placement benchmark: a training of a few steps, and what is loaded of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

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
    monkeypatch.setattr(train_models, "WEIGHTS", tmp_path / "trained")
    lesson = replace(train_models.LESSONS[name], pictures=12, batch=2)
    train_models.train(lesson, steps=2)
    assert train_models.steps_done(lesson) == 2
    model, code = train_models.load(lesson, lesson.file)
    first = {key: value.clone() for key, value in model.diffusion_model.state_dict().items()}
    assert all(value.isfinite().all() for value in first.values())

    train_models.train(lesson, steps=3)
    assert train_models.steps_done(lesson) == 3
    again, _ = train_models.load(lesson, lesson.file)
    assert any(not torch.equal(first[key], value) for key, value in again.diffusion_model.state_dict().items())

    train_models.keep_trained(lesson)
    halves, code = train_models.load(lesson, lesson.trained)
    assert lesson.trained.stat().st_size < 0.6 * lesson.file.stat().st_size
    for key, value in again.diffusion_model.state_dict().items():
        torch.testing.assert_close(halves.diffusion_model.state_dict()[key], value, rtol=1e-3, atol=1e-4)

    film, _ = lesson.draw(0)
    back = code.decode(code.encode(film[None]))[0]
    assert back.shape == film.shape
    assert float((back - film).abs().mean()) < 0.1


@pytest.mark.parametrize("name", train_models.LESSONS)
def test_the_trained_model_comes_with_the_studies(name: str) -> None:
    lesson = train_models.LESSONS[name]
    with safe_open(lesson.trained, "pt") as file:
        assert int(file.metadata()["step"]) == lesson.steps
        names = [name for name in file.keys() if name.startswith("model.")]  # noqa: SIM118
        assert names and all(file.get_slice(name).get_dtype() == "F16" for name in names)
