"""The study of drift: its made drifts, its stand-ins for repaying, its tables."""

from __future__ import annotations

import pytest
import torch

from drift import command as drift_study
from models.model_rows import closeness
from models.stage import Course, open_stage


def test_a_line_leaves_no_drift_behind_and_a_bend_does():
    sigmas = tuple(1 - step / 20 for step in range(21))
    line = [torch.full((1, 2), 3.0 * step) for step in range(20)]
    assert drift_study.drift_of_a_line(line, sigmas, 14).abs().max() < 1e-6
    bend = [torch.full((1, 2), float(step * step)) for step in range(20)]
    # At steps 10 to 13 a line through steps 4 and 9 falls short of step^2 by (step - 9) * (step - 4).
    short = sum((step - 9) * (step - 4) for step in range(10, 14))
    assert drift_study.drift_of_a_line(bend, sigmas, 14).mean() == pytest.approx(short / 20, rel=1e-4)


def test_where_nothing_is_forecast_the_picture_is_closer():
    from tap_pack.tap_core.sampling.settings import TapSettings

    stage, course = open_stage("demo"), Course(steps=12)
    path, fulls = drift_study.walked(stage, [100], course), stage.takes([100], course)
    torch.testing.assert_close(path.x[-1] - path.slopes[-1] * path.sigmas[-2], stage.model.model.process_latent_in(
        fulls[0].latents))
    found = {}
    for name, kind in drift_study.kinds(path).items():
        with drift_study.repaying(kind):
            found[name] = closeness(stage.takes([100], course, TapSettings(interval=4)), fulls)["psnr"]
    as_it_is, cleaned, interpolated = found.values()
    assert as_it_is + 1 < interpolated and as_it_is < cleaned


def test_answers_are_those_of_the_model():
    stage, course = open_stage("demo"), Course(steps=16)
    found = drift_study.answers(stage, course)["answers"]
    assert [round(each["sigma"], 3) for each in found] == sorted({round(each["sigma"], 3) for each in found})[::-1]
    assert all(abs(each["gamma"]) <= each["nu"] * 1.001 for each in found)
