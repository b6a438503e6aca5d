"""A node that moves the picture on its way to the model is noticed, whichever wrapper it uses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from tap_pack.nodes.comfy_bridge.run import others
from tap_pack.nodes.comfy_bridge.run.others import kept_share
from torch import Tensor

from tiny_flux import Accelerated, distance, sample, tiny_flux

DEFAULTS = {"target": "auto", "correction": "on", "placement": "change", "trust": "learned", "probe_stride": 4}
KINDS = (WrappersMP.APPLY_MODEL, WrappersMP.CALC_COND_BATCH, WrappersMP.PREDICT_NOISE)
Way = Callable[[Tensor, int], Tensor]


@pytest.fixture(scope="module")
def model() -> ModelPatcher:
    """A FLUX with random weights."""
    return tiny_flux()


def there_and_back(kind: str, there: Way, back: Way) -> Callable:
    """A wrapper that gives the model another picture, and the sampler the answer as if it had not."""
    calls = [0]

    def of_picture(executor: Callable, x: Tensor, *args: object, **kwargs: object) -> Tensor:
        calls[0] += 1
        return back(executor(there(x, calls[0]), *args, **kwargs), calls[0])

    def of_batch(executor: Callable, model: object, conds: list, x: Tensor, *args: object, **kwargs: object) -> list:
        calls[0] += 1
        return [back(each, calls[0]) for each in executor(model, conds, there(x, calls[0]), *args, **kwargs)]

    return of_batch if kind == WrappersMP.CALC_COND_BATCH else of_picture


def rolling(model: ModelPatcher, kind: str, by: int) -> ModelPatcher:
    """The model with a picture that is rolled farther at each call."""
    rolled = model.clone()
    rolled.add_wrapper_with_key(kind, "rolls", there_and_back(
        kind, lambda x, call: x.roll(by * call, -1), lambda x, call: x.roll(-by * call, -1)))
    return rolled


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_that_is_moved_at_each_step_is_computed_in_full(model: ModelPatcher, kind: str, after: bool) -> None:
    accelerated = Accelerated(model if after else rolling(model, kind, 2), **DEFAULTS)
    if after:
        accelerated.model = rolling(accelerated.model, kind, 2)
    assert torch.equal(accelerated.sample(12), sample(rolling(model, kind, 2), 12))
    assert any("moves the picture" in reason for reason in accelerated.record.fallbacks)
    assert accelerated.record.skipped_steps == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrapper_that_leaves_the_picture_where_it_is_costs_no_step(model: ModelPatcher, kind: str) -> None:
    accelerated = Accelerated(rolling(model, kind, 0), **DEFAULTS)
    assert distance(accelerated.sample(12), sample(model, 12)) < 0.15
    assert accelerated.record.skipped_steps and accelerated.record.fallbacks == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_few_values_in_place_of_the_picture_s_own_are_no_move(model: ModelPatcher, kind: str) -> None:
    """As MultiTalk puts the frames before a film in place of its first ones, at every step the same."""
    def with_start(x: Tensor, _: int) -> Tensor:
        return torch.cat([torch.zeros_like(x[..., :3]), x[..., 3:]], dim=-1)

    changed = model.clone()
    changed.add_wrapper_with_key(kind, "starts", there_and_back(kind, with_start, lambda x, _: x))
    accelerated = Accelerated(changed, **DEFAULTS)
    assert distance(accelerated.sample(12), sample(changed, 12)) < 0.15
    assert accelerated.record.skipped_steps and accelerated.record.fallbacks == []


def test_nobody_looks_at_a_skipped_step_or_without_other_nodes(
    model: ModelPatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []

    def noted(sampled: Tensor, given: Tensor) -> Tensor:
        looked.append(given.shape)
        return kept_share(sampled, given)

    monkeypatch.setattr(others, "kept_share", noted)
    Accelerated(model, **DEFAULTS).sample(12)
    assert looked == []
    accelerated = Accelerated(rolling(model, WrappersMP.APPLY_MODEL, 0), **DEFAULTS)
    accelerated.sample(12)
    assert len(looked) == len(accelerated.record.full_steps)


def test_how_much_of_a_picture_is_where_it_was() -> None:
    film = torch.randn(4, 6, 8, 12)
    with_others = film.clone()
    with_others[:, :5] = 1.0  # five of six frames are another node's, at every step
    failed = torch.full_like(film, torch.nan)
    for given in (film, with_others):
        assert kept_share(film, given) == 1
    assert kept_share(failed, failed.clone()) == 1
    for given in (film.roll(1, -1), film.roll(1, 1), film + 0.1):
        assert kept_share(film, given) == 0
    picture = film[:, 0]
    assert kept_share(picture, torch.cat([picture[:, :2], picture[:, 2:] + 1], dim=1)) == 0.25
