"""A computed call is a full step only if its blocks ran: counted at their weights, whoever replaced them."""

from __future__ import annotations

import types
from collections.abc import Callable
from itertools import count

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.nodes.comfy_bridge.seam.block_count import BlockCount, CountedCall
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


def with_skipped(model: ModelPatcher, *places: int, made: Callable[[Tensor], Tensor] = lambda x: x, after: int = 0,
                 ) -> ModelPatcher:
    """A node that leaves out single blocks. made: what it hands on instead; after: how often it runs them before."""
    model = model.clone()
    keys = [("double_block", 0), ("double_block", 1), ("single_block", 0), ("single_block", 1)]

    def of() -> Callable[[dict, dict], dict]:
        calls = count()

        def left_out(args: dict, extra: dict) -> dict:
            return extra["original_block"](args) if next(calls) < after else {**args, "img": made(args["img"])}

        return left_out

    for place in places:
        model.set_model_patch_replace(of(), "dit", *keys[place])
    return model


@pytest.mark.parametrize("name", RIVALS)
def test_what_another_cache_guesses_is_never_remembered(name: str) -> None:
    """The matrix has the same for target auto."""
    full = sample(RIVALS[name](tiny_flux()), cfg=2.0)
    model = RIVALS[name](tiny_flux())
    accelerated = Accelerated(model, target="residual", **EARLY)
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


@pytest.mark.parametrize(("places", "after"), [((2,), 0), ((1, 3), 0), ((1, 3), 2), ((1, 2, 3), 0)])
def test_a_node_may_leave_blocks_out(places: tuple[int, ...], after: int) -> None:
    """As skip-layer guidance does: a few on some steps, or the same blocks at every step."""
    full = sample(with_skipped(tiny_flux(), *places, after=after))
    accelerated = Accelerated(with_skipped(tiny_flux(), *places, after=after), **EARLY)
    assert distance(accelerated.sample(), full) < 0.2
    assert accelerated.record.fallbacks == [] and accelerated.record.skipped_steps


def test_a_node_may_put_others_in_place_of_blocks_for_good() -> None:
    full = sample(with_skipped(tiny_flux(), 2, made=lambda x: x + 1))
    accelerated = Accelerated(with_skipped(tiny_flux(), 2, made=lambda x: x + 1), **EARLY)
    assert distance(accelerated.sample(), full) < 0.2 and accelerated.record.fallbacks == []


@pytest.mark.parametrize(("places", "made"), [((1, 2, 3), lambda x: x), ((2,), lambda x: x + 1)])
def test_one_that_begins_to_give_something_else_or_to_leave_most_out_is_told(
    places: tuple[int, ...], made: Callable[[Tensor], Tensor]
) -> None:
    full = sample(with_skipped(tiny_flux(), *places, made=made, after=2))
    accelerated = Accelerated(with_skipped(tiny_flux(), *places, made=made, after=2), **EARLY)
    assert torch.equal(accelerated.sample(), full)
    (reason,) = accelerated.record.fallbacks
    assert "with_skipped.of.left_out) skips blocks of Flux by itself" in reason
    assert f"in a computed step, {len(places)} of {BLOCKS} blocks did not run" in reason


def test_blocks_whose_weights_are_used_as_tensors_are_never_missed() -> None:
    """Fused kernels, quantized weights in buffers and graphs are not seen to run, so nothing is said."""
    model = tiny_flux()
    for block in list(blocks(model))[1:]:
        for part in list(block.modules()):
            if isinstance(part, nn.Linear):
                part.__class__ = type("Used", (type(part),), {"__call__": lambda self, x: self.forward(x)})
    accelerated = Accelerated(model, **EARLY)
    accelerated.sample()
    assert accelerated.record.fallbacks == [] and accelerated.record.skipped_steps


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


def idle_after(block: nn.Module, run: Callable[[], object], *then: Callable[[], object]) -> list[list[int]]:
    """Which of an identity and this block are missed in calls that follow one in which the block ran."""
    counted, missed = BlockCount([nn.Identity(), block]), []
    for each in (run, *then):
        call = CountedCall(counted, TOKENS)
        with call.counting():
            each()
        missed.append(call.replaced())
    assert missed[0] == []
    return missed[1:]


def test_a_block_that_computes_only_its_modulation_did_not_run() -> None:
    block = nn.ModuleDict({"modulation": nn.Linear(WIDTH, 6 * WIDTH), "mlp": nn.Linear(WIDTH, WIDTH)})
    assert idle_after(
        block, lambda: block["mlp"](torch.zeros(2, TOKENS, WIDTH)), lambda: block["modulation"](torch.zeros(2, WIDTH)),
        lambda: block["mlp"](torch.zeros(1, TOKENS // 2, WIDTH))) == [[1], []]
    assert unhooked(block)


def test_a_block_that_gets_other_parts_is_not_missed() -> None:
    """As when a node swaps the weights in between."""
    block = nn.ModuleDict({"first": nn.Linear(WIDTH, WIDTH), "last": nn.Linear(WIDTH, WIDTH)})

    def run() -> None:
        for part in block.values():
            part(torch.zeros(1, TOKENS, WIDTH))

    def run_with_others() -> None:
        block.update({name: nn.Linear(WIDTH, WIDTH) for name in block})
        run()

    assert idle_after(block, run, lambda: block["last"](torch.zeros(1, TOKENS, WIDTH)), run_with_others, run,
                      lambda: None) == [[], [], [], [1]]


@pytest.mark.parametrize("how", ["wrapped", "in place", "its forward"])
def test_a_compiled_block_is_counted_from_outside(how: str) -> None:
    plain = nn.Sequential(nn.Linear(WIDTH, WIDTH))
    block = torch.compile(plain, backend="eager") if how == "wrapped" else plain
    if how == "in place":
        plain.compile(backend="eager")
    elif how == "its forward":
        plain.forward = torch.compile(plain.forward, backend="eager")
    run = lambda: block(torch.zeros(1, TOKENS, WIDTH))  # noqa: E731
    assert idle_after(block, run, run, lambda: None, run) == [[], [1], []]
    assert not any(part._forward_pre_hooks for part in block.modules())


def test_a_block_inside_another_graph_is_never_missed() -> None:
    """A graph keeps the hooks that it was traced with, and later ones do not fire."""
    block = nn.Sequential(nn.Linear(WIDTH, WIDTH))
    graph = torch.compile(lambda x: block(x) + 1, backend="eager")
    run = lambda: graph(torch.zeros(1, TOKENS, WIDTH))  # noqa: E731
    assert idle_after(block, run, run, lambda: None) == [[], []]


def test_a_node_is_named_without_its_folder() -> None:
    model, patches = tiny_flux().model.diffusion_model, {}
    options = {"patches_replace": {"dit": patches}}
    assert replacer(model, options) == ""
    patch = block_patches(Rival(), model)["double_block", 0]
    patch.__module__ = "C:\\Users\\somebody\\custom_nodes\\Some-Cache.nodes"
    model.forward = types.MethodType(patch, model)
    assert replacer(model, options) == "Some-Cache.nodes.block_patches.of.cached_block"
