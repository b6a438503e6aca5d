"""What nobody reads in a skipped call is left out, and nothing of it can be out of date."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest
import torch
from comfy import model_prefetch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from tap_pack.nodes.comfy_bridge.seam.shadow import Method
from tap_pack.nodes.comfy_bridge.seam.unread import Unread, named_parts
from torch import Tensor, nn

from tiny_flux import Accelerated, prompt, sample, tiny_flux

PARTS = ("pe_embedder", "txt_in", "final_layer")
STEPS, FULL = 10, 5


@contextmanager
def counted(model: ModelPatcher, names: tuple[str, ...] = PARTS) -> Iterator[dict[str, int]]:
    """How often these parts run, by the class of each: a hook or a new forward would be another node's."""
    counts = dict.fromkeys(names, 0)

    def counting(name: str) -> type:
        part = getattr(model.model.diffusion_model, name)

        def forward(self: nn.Module, *args: object, **kwargs: object) -> object:
            counts[name] += 1
            return super(kind, self).forward(*args, **kwargs)

        kind = type(type(part).__name__, (type(part),), {"forward": forward})
        return kind

    for name in names:
        getattr(model.model.diffusion_model, name).__class__ = counting(name)
    yield counts


@contextmanager
def nothing_left_out() -> Iterator[None]:
    with patch.object(Unread, "shadows", lambda *_: []), patch.object(Unread, "of_call", lambda *_: None):
        yield


def test_a_run_leaves_out_what_only_blocks_read_and_its_picture_is_the_same_bit_for_bit() -> None:
    with nothing_left_out():
        expected = sample(Accelerated(tiny_flux(), interval=2, target="auto").model, STEPS, cfg=2.0)
    run = Accelerated(tiny_flux(), interval=2, target="auto")
    with counted(run.model) as counts:
        assert torch.equal(sample(run.model, STEPS, cfg=2.0), expected)
    full = sum(each.full_calls for each in run.record.evaluations)
    assert len(run.record.skipped_steps) >= 3
    # The first skipped call learns how parts look; how a whole call's result looks, computed ones have shown.
    assert counts == dict.fromkeys(PARTS, full + 1) | {"final_layer": full}


def skipped_calls_that_end(change: Callable[[ModelPatcher], None], target: str = "auto") -> tuple[int, int]:
    """How many skipped calls run the model to its end, and how many there are; the picture is the same either way."""
    run = Accelerated(tiny_flux(), interval=2, target=target)
    change(run.model)
    with nothing_left_out():
        expected = sample(run.model, STEPS)
    with counted(run.model, ("final_layer",)) as ends, patch.object(Unread, "shadows", lambda *_: []):
        assert torch.equal(sample(run.model, STEPS), expected)
    full = sum(each.full_calls for each in run.record.evaluations)
    return ends["final_layer"] - full, STEPS - full


def test_a_call_ends_at_block_0_where_nobody_reads_what_it_gives() -> None:
    ended, skipped = skipped_calls_that_end(lambda model: None)
    assert ended == 0 and skipped >= 3


def with_wrapper(model: ModelPatcher) -> None:
    def wrapper(executor: object, *args: object, **kwargs: object) -> Tensor:
        return executor(*args, **kwargs)

    model.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "other", wrapper)


def with_hook(model: ModelPatcher) -> None:
    model.model.diffusion_model.register_forward_hook(lambda *_: None)


def with_own_method(model: ModelPatcher) -> None:
    inner = model.model.diffusion_model
    forward = inner.forward_orig
    inner.forward_orig = lambda *args, **kwargs: forward(*args, **kwargs)


def with_weights_ahead(model: ModelPatcher) -> None:
    """Where ComfyUI moves the weights of the next block ahead of their turn, its queue is emptied by the blocks."""
    inner = model.model.diffusion_model

    def before(*_: object) -> None:
        model_prefetch.PREFETCH_QUEUES.append([])

    inner.img_in.register_forward_pre_hook(before)


@pytest.mark.parametrize("change", [with_wrapper, with_hook, with_own_method, with_weights_ahead])
def test_a_call_goes_to_its_end_where_somebody_may_wait_for_that(change: Callable[[ModelPatcher], None],
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_prefetch, "PREFETCH_QUEUES", [])
    ended, skipped = skipped_calls_that_end(change)
    assert ended == skipped >= 3


def test_a_target_inside_the_model_needs_its_last_layers() -> None:
    ended, skipped = skipped_calls_that_end(lambda model: None, "output")
    assert ended == skipped >= 3


def test_a_residual_needs_the_final_layer() -> None:
    run = Accelerated(tiny_flux(), interval=2, target="residual")
    with counted(run.model) as counts:
        sample(run.model, STEPS)
    assert counts["final_layer"] == STEPS and counts["txt_in"] < STEPS


def test_wrappers_around_the_model_see_what_its_last_layers_gave() -> None:
    run = Accelerated(tiny_flux(), interval=2, target="auto")
    seen = []

    def wrapper(executor: object, *args: object, **kwargs: object) -> Tensor:
        seen.append(executor(*args, **kwargs))
        return seen[-1]

    run.model.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "other", wrapper)
    with counted(run.model) as counts:
        sample(run.model, STEPS)
    assert counts["final_layer"] == len(seen) == STEPS and counts["txt_in"] < STEPS


def changed_in_between(change: str) -> Tensor:
    """A run in which weights or the prompt's length change at a skipped step; what is left out never shows."""
    run = Accelerated(tiny_flux(), interval=3, target="residual")
    inner = run.model.model.diffusion_model

    def at(step: int, *_: object) -> None:
        if change == "weights" and step in (4, 5, 6):
            inner.txt_in.weight.data.mul_(1.5)
            inner.final_layer.linear.weight.data.mul_(0.9)

    positive = prompt()
    if change == "length":  # another prompt from the middle of the run on
        positive = [[text, {**more, "start_percent": start, "end_percent": end}] for (text, more), start, end in
                    ((*prompt(), 0.0, 0.6), (*prompt(words=11), 0.6, 1.0))]
    return sample(run.model, 12, positive=positive, callback=at)


@pytest.mark.parametrize("change", ["weights", "length"])
def test_new_weights_and_prompts_count_at_once(change: str) -> None:
    with nothing_left_out():
        expected = changed_in_between(change)
    assert torch.equal(changed_in_between(change), expected)


def test_what_another_node_has_changed_is_left_alone() -> None:
    model = tiny_flux().model.diffusion_model
    unread, parts = Unread(), list(named_parts(model, ("pe_embedder", "txt_norm", "txt_in", "double_blocks")))
    assert [part.owner for part in parts] == [model.pe_embedder, model.txt_in, *model.double_blocks]
    assert len(unread.shadows(parts, {})) == 4
    assert len(unread.shadows(parts, {"patches": {"double_block": [print]}})) == 4
    assert unread.shadows(parts, {"patches": {"post_input": [print]}}) == []
    handle = model.txt_in.register_forward_hook(lambda *_: None)
    model.pe_embedder.forward = model.pe_embedder.forward
    assert [shadow.owner for shadow in unread.shadows(parts, {})] == [*model.double_blocks]
    handle.remove()
    assert len(unread.shadows(parts, {})) == 3


def test_results_look_as_before_and_other_arguments_are_computed() -> None:
    class Part:
        calls = 0

        def make(self, x: Tensor, offset: int = 0, options: dict | None = None) -> tuple:
            self.calls += 1
            return (x.to(torch.bfloat16),), [x.new_zeros(3, len(x)), None], len(x) + offset

    part, unread = Part(), Unread()
    (shadow,) = unread.shadows([Method(part, "make")], {})
    for _ in range(2):
        (made,), (zeros, none), count = shadow.value(torch.ones(4, 2), offset=1, options={})
        assert (made.shape, made.dtype, zeros.shape, none, count) == ((4, 2), torch.bfloat16, (3, 4), None, 5)
    assert part.calls == 1
    assert shadow.value(torch.ones(4, 2), offset=2)[2] == 6 and shadow.value(torch.ones(5, 2), offset=1)[2] == 6
    assert part.calls == 3


def test_a_tensor_of_lengths_is_no_empty_one() -> None:
    class Part:
        def lengths(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x, torch.tensor([len(x), 7])

    (shadow,) = Unread().shadows([Method(Part(), "lengths")], {})
    for _ in range(2):
        assert shadow.value(torch.ones(4, 2))[1].tolist() == [4, 7]
