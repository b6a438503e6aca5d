"""A computed call is a full step only if its blocks ran: counted at their weights, whoever replaced them."""

from __future__ import annotations

import types
from collections.abc import Callable
from itertools import count

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.nodes.comfy_bridge.seam.block_count import BlockCount
from tap_pack.nodes.comfy_bridge.seam.replacer import replacer
from torch import Tensor, nn

from rival_caches import RIVALS, Rival, block_patches
from tiny_flux import BLOCKS, Accelerated, blocks, distance, sample, tiny_flux
from tiny_image_models import LUMINA2
from tiny_models import patcher
from tiny_models import sample as sample_row

EARLY = {"interval": 4, "warmup_steps": 3}
WIDTH, TOKENS = 8, 6


def unhooked(model: nn.Module) -> bool:
    """Whether no hook and no attribute of TAP is left on any part."""
    return not any(part._forward_pre_hooks or part._forward_hooks or "forward" in vars(part)
                   for part in model.modules())


def with_skipped(model: ModelPatcher, *places: int, made: Callable[[Tensor], Tensor] = lambda x: x) -> ModelPatcher:
    """A node that leaves out single blocks; made: what it hands on instead of the stream."""
    model = model.clone()
    keys = [("double_block", 0), ("double_block", 1), ("single_block", 0), ("single_block", 1)]
    for place in places:
        model.set_model_patch_replace(lambda args, extra: {**args, "img": made(args["img"])}, "dit", *keys[place])
    return model


@pytest.mark.parametrize("name", RIVALS)
@pytest.mark.parametrize("target", ["residual", "auto"])
def test_what_another_cache_guesses_is_never_remembered(name: str, target: str) -> None:
    full = sample(RIVALS[name](tiny_flux()), cfg=2.0)
    model = RIVALS[name](tiny_flux())
    accelerated = Accelerated(model, target=target, **EARLY)
    assert torch.equal(accelerated.sample(cfg=2.0), full)
    (reason,) = accelerated.record.fallbacks
    assert "Another node (rival_caches." in reason and "Remove that node, or TAP." in reason
    assert all(not part._forward_pre_hooks for part in model.model.diffusion_model.modules())


@pytest.mark.parametrize("name", ["replaces blocks", "runs the first block only"])
def test_a_cache_that_begins_later_is_found_at_the_next_full_step(name: str) -> None:
    """Steps that were forecast before stay; what follows is the cache's own."""
    accelerated = Accelerated(RIVALS[name](tiny_flux(), start=3), **EARLY)
    accelerated.sample()
    record = accelerated.record
    assert record.full_steps[:3] == [0, 1, 2] and record.skipped_steps and len(record.fallbacks) == 1
    assert record.full_steps[-6:] == list(range(6, 12))


def test_a_cache_that_never_has_its_turn_is_no_reason_to_fall_back() -> None:
    accelerated = Accelerated(RIVALS["replaces blocks"](tiny_flux(), start=100), **EARLY)
    assert torch.equal(accelerated.sample(), Accelerated(tiny_flux(), **EARLY).sample())
    assert accelerated.record.fallbacks == []


@pytest.mark.parametrize("places", [(2,), (1, 3)])
def test_a_node_may_leave_blocks_out(places: tuple[int, ...]) -> None:
    """As skip-layer guidance does; the same blocks at every step give a smooth picture."""
    full = sample(with_skipped(tiny_flux(), *places))
    accelerated = Accelerated(with_skipped(tiny_flux(), *places), **EARLY)
    assert distance(accelerated.sample(), full) < 0.2
    assert accelerated.record.fallbacks == [] and accelerated.record.skipped_steps


@pytest.mark.parametrize(("places", "made"), [((0, 1, 2), lambda x: x), ((2,), lambda x: x + 1)])
def test_one_that_gives_something_else_or_leaves_most_out_is_told(
    places: tuple[int, ...], made: Callable[[Tensor], Tensor]
) -> None:
    full = sample(with_skipped(tiny_flux(), *places, made=made))
    accelerated = Accelerated(with_skipped(tiny_flux(), *places, made=made), **EARLY)
    assert torch.equal(accelerated.sample(), full)
    (reason,) = accelerated.record.fallbacks
    assert "with_skipped.<lambda>) skips blocks of Flux by itself" in reason
    assert f"in a computed step, {len(places)} of {BLOCKS} did not run" in reason


def test_a_model_whose_blocks_cannot_be_replaced_by_patches_is_counted_too() -> None:
    def rival() -> ModelPatcher:
        model, calls = patcher(LUMINA2.build_anew()), count()
        block = model.model.diffusion_model.layers[1]
        original, kept = block.forward, []

        def forward(x: Tensor, *args: object, **options: object) -> Tensor:
            if next(calls) == 2:
                return x + kept[-1]
            before = x.clone()
            made = original(x, *args, **options)
            kept.append(made - before)
            return made

        block.forward = forward
        return model

    size = next(iter(LUMINA2.sizes))
    full = sample_row(LUMINA2, rival(), size, steps=8)
    accelerated = Accelerated(rival(), **EARLY)
    assert torch.equal(sample_row(LUMINA2, accelerated.model, size, steps=8), full)
    (reason,) = accelerated.record.fallbacks
    assert "rival.forward) skips blocks" in reason and "1 of" in reason


def test_a_call_that_fails_leaves_nothing_behind() -> None:
    model = tiny_flux()

    def fails(module: nn.Module, *_: object) -> None:
        raise ArithmeticError

    hook = blocks(model)[2].register_forward_hook(fails)
    with pytest.raises(ArithmeticError):
        Accelerated(model, **EARLY).sample()
    hook.remove()
    assert unhooked(model.model.diffusion_model)


def test_a_block_that_computes_only_its_modulation_did_not_run() -> None:
    block = nn.ModuleDict({"modulation": nn.Linear(WIDTH, 6 * WIDTH), "mlp": nn.Linear(WIDTH, WIDTH)})
    counted = BlockCount([nn.Identity(), block], (), TOKENS)
    with counted.counting():
        block["modulation"](torch.zeros(2, WIDTH))
        assert counted.replaced == [1]
        block["mlp"](torch.zeros(2, TOKENS, WIDTH))
        assert counted.replaced == []
    assert unhooked(block)


@pytest.mark.parametrize("how", ["wrapped", "in place", "its forward"])
def test_a_compiled_block_is_counted_from_outside(how: str) -> None:
    plain = nn.Sequential(nn.Linear(WIDTH, WIDTH))
    block = torch.compile(plain, backend="eager") if how == "wrapped" else plain
    if how == "in place":
        plain.compile(backend="eager")
    elif how == "its forward":
        plain.forward = torch.compile(plain.forward, backend="eager")
    counted = BlockCount([nn.Identity(), block], (), TOKENS)
    with counted.counting():
        assert counted.replaced == [1]
        block(torch.zeros(1, TOKENS, WIDTH))
    assert counted.replaced == []
    assert not any(part._forward_pre_hooks for part in block.modules())


def test_a_node_is_named_without_its_folder() -> None:
    model, patches = tiny_flux().model.diffusion_model, {}
    options = {"patches_replace": {"dit": patches}}
    assert replacer(model, options) == ""
    patch = block_patches(Rival(), model)["double_block", 0]
    patch.__module__ = "C:\\Users\\somebody\\custom_nodes\\Some-Cache.nodes"
    model.forward = types.MethodType(patch, model)
    assert replacer(model, options) == "Some-Cache.nodes.block_patches.of.cached_block"
