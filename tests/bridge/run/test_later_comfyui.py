"""What later releases of ComfyUI have: stand-ins for it, as it is not in the one that the tests run."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import comfy.conds
import pytest
import torch
from comfy.cli_args import args
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from tap_pack.nodes.comfy_bridge.adapters.lumina import LuminaAdapter
from tap_pack.nodes.comfy_bridge.run.condition import ConditionKeys
from tap_pack.nodes.comfy_bridge.run.recorded_allocations import OPTION, no_recorded_allocations
from tap_pack.nodes.comfy_bridge.seam.adapter import Adapter, Entry
from tap_pack.nodes.comfy_bridge.seam.cut import cut_of
from tap_pack.nodes.comfy_bridge.seam.self_check import probe_is_attended, watched_attention
from tap_pack.nodes.comfy_bridge.seam.targets import Captured
from torch import Tensor, nn

from tiny_fallbacks import FALLBACK_ROWS
from tiny_flux import Accelerated, distance, sample, tiny_flux
from tiny_image_models import LUMINA2
from tiny_models import patcher
from tiny_models import sample as sample_row

EARLY = {"interval": 4, "warmup_steps": 3}
UNET = FALLBACK_ROWS[0]


def seen_in(model: ModelPatcher, look: Callable[[], object]) -> list[object]:
    """A list that gets what `look` gives at each call of the model from now on."""
    seen: list[object] = []
    model.model.diffusion_model.register_forward_pre_hook(lambda *_: seen.append(look()))
    return seen


@pytest.mark.parametrize("by_user", [False, True])
def test_recorded_allocations_are_off_for_the_length_of_a_run(by_user: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(args, OPTION, by_user, raising=False)
    model = tiny_flux()
    seen = seen_in(model, lambda: getattr(args, OPTION))
    Accelerated(model, **EARLY).sample(4)
    assert set(seen) == {True} and getattr(args, OPTION) is by_user
    seen.clear()
    Accelerated(model, interval=1).sample(2)
    sample(model, 2)
    assert set(seen) == {by_user}


def test_recorded_allocations_stay_off_while_any_run_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(args, OPTION, False, raising=False)
    first, second = no_recorded_allocations(), no_recorded_allocations()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert getattr(args, OPTION) is True
    second.__exit__(None, None, None)
    assert getattr(args, OPTION) is False
    with pytest.raises(ArithmeticError), no_recorded_allocations():
        raise ArithmeticError
    assert getattr(args, OPTION) is False


def test_nothing_is_switched_where_comfyui_records_no_allocations_or_no_block_is_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(args, OPTION, raising=False)
    with no_recorded_allocations():
        assert not hasattr(args, OPTION)
    monkeypatch.setattr(args, OPTION, False, raising=False)
    model = patcher(UNET.build_anew())
    seen = seen_in(model, lambda: getattr(args, OPTION))
    sample_row(UNET, Accelerated(model, **EARLY).model, next(iter(UNET.sizes)), steps=4)
    assert set(seen) == {False}


def test_the_estimate_of_memory_says_which_arguments_it_takes() -> None:
    model, signatures = tiny_flux(), []

    def ask(executor: Callable, model: ModelPatcher, *args: object, **kwargs: object) -> object:
        estimate = model.model.memory_required
        assert hasattr(estimate, "__wrapped__")
        signatures.append(inspect.signature(estimate))
        return executor(model, *args, **kwargs)

    accelerated = Accelerated(model, **EARLY)
    accelerated.model.add_wrapper_with_key(WrappersMP.PREPARE_SAMPLING, "asks", ask)
    accelerated.sample(4)
    assert signatures == [inspect.signature(model.model.memory_required)]


def with_references(model: ModelPatcher, *references: Tensor) -> ModelPatcher:
    """A `NextDiT` whose references stand behind the picture, as in Ming-Image."""
    base, net = model.model, model.model.diffusion_model
    conditions, embed = base.extra_conds, net.embed_all

    def embed_all(x: Tensor, *args: object, **kwargs: object) -> tuple:
        (*rest, picture), (*places, here), begin = embed(x, *args, **kwargs)
        for reference in references:
            (*_, behind), (*_, there), _ = embed(reference, *args, **kwargs)
            picture = torch.cat([picture, behind.expand(len(picture), -1, -1)], 1)
            here = torch.cat([here, there], 1)
        return (*rest, picture), (*places, here), begin

    base.extra_conds = lambda **kwargs: {**conditions(**kwargs), "ref_frames": comfy.conds.CONDList(list(references))}
    net.embed_all = embed_all
    return model


def test_the_picture_is_forecast_where_references_stand_behind_it() -> None:
    references, size = [torch.randn(1, 16, 4, 4), torch.randn(1, 16, 2, 6)], next(iter(LUMINA2.sizes))

    def model() -> ModelPatcher:
        return with_references(patcher(LUMINA2.build_anew()), *references)

    full = sample_row(LUMINA2, model(), size, steps=8)
    assert distance(full, sample_row(LUMINA2, patcher(LUMINA2.build_anew()), size, steps=8)) > 0.001
    accelerated = Accelerated(model(), **EARLY)
    picture = sample_row(LUMINA2, accelerated.model, size, steps=8)
    assert accelerated.record.fallbacks == [] and accelerated.record.skipped_steps
    assert distance(picture, full) < 0.1


@pytest.mark.parametrize(("multiple", "padding"), [(None, 0), (32, 32 - 15)])
def test_references_and_padding_behind_the_picture_are_counted(multiple: int | None, padding: int) -> None:
    model = nn.Module()
    model.patch_size, model.pad_tokens_multiple = 2, multiple
    latent = torch.zeros(1, 16, 4, 6)
    entry = Entry(LuminaAdapter(), model, {}, {"ref_frames": [torch.zeros(1, 16, 1, 3, 5), torch.zeros(1, 16, 6, 2)]},
                  cut_of(latent, (1, 2, 3), None, (1, 1)), torch.zeros(1, 7 + 6 + 6 + 3 + padding, 8))
    assert LuminaAdapter().image_tokens(entry) == slice(7, 13)


class Projecting(nn.Module):
    """An attention that may get its input projected already."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(8, 24)

    def forward(self, x: Tensor, qkv: Tensor | None = None) -> Tensor:
        """The values."""
        return (self.qkv(x) if qkv is None else qkv)[..., 16:]


class OfProjecting(Adapter):
    """An adapter for a model that is such an attention."""

    def first_block(self, model: nn.Module) -> nn.Module:
        """The model."""
        return model

    def attention_input(self, block: nn.Module) -> nn.Module:
        """The model."""
        return block


@pytest.mark.parametrize(("factor", "fits"), [(1.0, True), (1.5, False)])
def test_what_attention_gets_projected_is_compared_with_the_projected_probe(factor: float, fits: bool) -> None:
    attention, adapter, stream = Projecting(), OfProjecting(), torch.randn(1, 6, 8)
    probe = 2 * stream + 1
    entry = Entry(adapter, attention, {}, {}, cut_of(torch.zeros(1, 4, 4, 6), (1, 2, 3), None, (1, 1)), stream)
    captured = Captured(entry=entry, probe=probe)
    with watched_attention(adapter, attention, captured):
        attention(stream, qkv=attention.qkv(factor * probe))
    assert probe_is_attended(captured) is fits


def test_a_patch_that_replaces_attention_is_named() -> None:
    def sparse_block(args: dict, extra: dict) -> dict:
        return {**args, "img": args["img"] + 0.1 * args["img"].mean(1, keepdim=True), "txt": args["txt"]}

    def model() -> ModelPatcher:
        made = tiny_flux()
        made.set_model_patch_replace(sparse_block, "dit", "double_block", 0)
        return made

    accelerated = Accelerated(model(), **EARLY)
    assert torch.equal(accelerated.sample(), sample(model()))
    (reason,) = accelerated.record.fallbacks
    assert "sparse_block) may have replaced its attention. Remove that node, or TAP." in reason


def test_another_way_of_attention_has_a_history_of_its_own() -> None:
    def holding(function: object) -> Callable:
        def optimized_attention_override(*args: object) -> object:
            return function(*args)

        optimized_attention_override.container_function = function
        return optimized_attention_override

    def key(override: Callable) -> object:
        options = {"uuids": ["a"], "cond_or_uncond": [0], "optimized_attention_override": override}
        return ConditionKeys().of(options, nn.Module(), None, (), 1.0)

    dense, sparse = (lambda *_: "dense"), torch.nn.functional.scaled_dot_product_attention
    assert key(holding(dense)) == key(holding(dense)) != key(holding(sparse))


def test_a_model_without_an_adapter_gets_no_block_patches() -> None:
    """Models with a cache of their own for the prompt leave that unused if blocks are patched."""
    model, patches = patcher(UNET.build_anew()), []
    model.model.diffusion_model.register_forward_pre_hook(
        lambda module, args, kwargs: patches.append(kwargs["transformer_options"].get("patches_replace", {})),
        with_kwargs=True)
    accelerated = Accelerated(model, **EARLY)
    sample_row(UNET, accelerated.model, next(iter(UNET.sizes)), steps=8)
    assert accelerated.record.skipped_steps and patches and not any(patches)
