"""Metrics that come from packages: what is said where one is missing, and what our side makes of them.

Weights are random here, so only what holds for any weights is looked at.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from real import image_metrics
from real.image_metrics import METRICS, usable

BY_NAME = {metric.name: metric for metric in METRICS}
RANDOM = torch.Generator().manual_seed(3)
# A size of its own in each direction, so that a mistaken order of axes shows.
PICTURE, OTHER = torch.rand(2, 80, 112, 3, generator=RANDOM).unbind(0)


@pytest.fixture(autouse=True)
def nothing_is_loaded() -> None:
    image_metrics.loaded.cache_clear()


def fails_with(error: Exception) -> Callable[..., object]:
    """Anything that fails with this."""
    def fail(*args: object, **kwargs: object) -> object:
        raise error

    return fail


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert BY_NAME["lpips"].why_not() == "lpips is left out: the package lpips is missing (pip install lpips)."
    assert "pip install image-reward" in BY_NAME["image_reward"].why_not()
    assert BY_NAME["psnr"].why_not() == ""


def test_a_package_that_does_not_start_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ImageReward with the transformers that ComfyUI asks for."""
    said = "cannot import name 'apply_chunking_to_forward' from 'transformers.modeling_utils' (/a/b/modeling_utils.py)"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(importlib, "import_module", fails_with(ImportError(said)))
    problem = BY_NAME["image_reward"].why_not()
    assert problem == (
        "image_reward is left out: the package ImageReward does not start in this Python (cannot import name "
        "'apply_chunking_to_forward' from 'transformers.modeling_utils'). bench/start.py "
        "real.score_pictures computes it afterwards in another one."
    )


@pytest.mark.parametrize(("name", "maker", "needs"), [
    ("lpips", "lpips.LPIPS", "alexnet-owt-7be5be79.pth"),
    ("clip", "open_clip.create_model_and_transforms", "timm/vit_large_patch14_clip_224.openai"),
])
def test_missing_weights_are_named_and_the_others_go_on(
    name: str, maker: str, needs: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    pytest.importorskip(maker.partition(".")[0])
    monkeypatch.setattr(maker, fails_with(OSError("no connection")))
    assert usable(["psnr", name, "ssim"]) == ["psnr", "ssim"]
    said = capsys.readouterr().out
    assert f"{name} is left out: its weights are not there and could not be downloaded (no connection)." in said
    assert needs in said and "once with a network" in said


def test_lpips_is_none_between_equal_pictures_and_symmetric(monkeypatch: pytest.MonkeyPatch) -> None:
    lpips = pytest.importorskip("lpips")
    made = lpips.LPIPS
    torch.manual_seed(5)
    monkeypatch.setattr(lpips, "LPIPS", lambda net, verbose: made(
        net=net, verbose=verbose, pretrained=False, pnet_rand=True, lpips=False))
    measure = image_metrics.loaded("lpips")
    close = (PICTURE + 0.02 * (OTHER - PICTURE)).clamp(0, 1)
    assert measure(PICTURE, PICTURE, "") == 0
    assert measure(PICTURE, OTHER, "") == pytest.approx(measure(OTHER, PICTURE, ""), rel=1e-4)
    assert 0 < measure(close, PICTURE, "") < measure(OTHER, PICTURE, "")


def test_clip_compares_picture_and_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    open_clip = pytest.importorskip("open_clip")
    made, asked = open_clip.create_model_and_transforms, []

    def without_weights(name: str, pretrained: str) -> object:
        asked.append((name, pretrained))
        torch.manual_seed(5)
        return made("ViT-B-32-quickgelu", pretrained=None)

    monkeypatch.setattr(open_clip, "create_model_and_transforms", without_weights)
    measure = image_metrics.loaded("clip")
    # The activation that these weights were trained with.
    assert asked == [("ViT-L-14-quickgelu", "openai")]
    assert open_clip.get_model_config("ViT-L-14-quickgelu")["quick_gelu"]
    scores = {prompt: measure(PICTURE, OTHER, prompt) for prompt in ("a red house", "two dogs on a beach")}
    assert all(-100 <= score <= 100 for score in scores.values())
    assert len(set(scores.values())) == 2
    # The truth is not looked at, and nothing is drawn at random.
    assert measure(PICTURE, PICTURE, "a red house") == scores["a red house"]
    assert measure(OTHER, OTHER, "a red house") != scores["a red house"]


def test_image_reward_is_given_prompt_and_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its package does not start beside ComfyUI's; one of its interface takes its place."""
    seen = []

    def score(prompt: str, image: Image.Image) -> float:
        seen.append((prompt, image.size, image.mode))
        return 0.5

    module = SimpleNamespace(load=lambda name: SimpleNamespace(score=score) if name == "ImageReward-v1.0" else None)
    monkeypatch.setitem(sys.modules, "ImageReward", module)
    assert image_metrics.loaded("image_reward")(PICTURE, None, "a red house") == 0.5
    assert seen == [("a red house", (112, 80), "RGB")]
