"""The seam in FLUX: what is captured at its first block and final layer, and what is put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrapperExecutor, WrappersMP
from tap_pack.nodes.comfy_bridge.adapters.find_adapter import find_adapter
from tap_pack.nodes.comfy_bridge.run.model_call import apply_model
from tap_pack.nodes.comfy_bridge.run.run_state import RUN_KEY, RunState
from tap_pack.tap_core.sampling.run import TapRun
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedule import SKIP
from torch import Tensor, nn

from tiny_flux import counted_blocks, distance, prompt, sample, tiny_flux

TARGETS = ("residual", "output")
# ComfyUI's FLUX.1 does not run "index_timestep_zero": that is FLUX.2's.
REFERENCES = {
    "no references": {},
    **{method: {"reference_latents": [torch.randn(1, 16, 6, 8), torch.randn(1, 16, 4, 4)],
                "reference_latents_method": method} for method in ("offset", "index", "uxo")},
}
TOKENS = 24


@dataclass
class Replayed:
    """One model call computed, then forecast from its own target.

    probes, targets: of each condition; entered: what attention was given; blocks: how many ran in each call.
    """

    full: Tensor
    forecast: Tensor
    run: TapRun
    probes: list[Tensor]
    targets: list[Tensor]
    entered: list[Tensor] = field(default_factory=list)
    blocks: list[int] = field(default_factory=list)


def replay(model: ModelPatcher, target: str = "residual", control: dict | None = None, **options: object) -> Replayed:
    """The first model call of a run with these options."""
    replays: list[Replayed] = []

    def call(executor: WrapperExecutor, x: Tensor, t: Tensor, c_concat: Tensor | None, c_crossattn: Tensor,
             _: object, options: dict, **kwargs: object) -> Tensor:
        run = TapRun(TapSettings(orders="0", warmup_steps=1, target=target, probe_stride=1), [1.0, 0.5, 0.0], "FLUX")
        state = RunState(run, find_adapter(executor.class_obj.diffusion_model), executor.class_obj.diffusion_model)
        options = {**options, RUN_KEY: state}
        captured: list[tuple[Tensor, Tensor]] = []

        def remember(key: object, probe: Tensor, target: Tensor) -> None:
            captured.append((probe.clone(), target.clone()))
            TapRun.remember(run, key, probe, target)

        run.remember = remember
        outputs, entered, blocks = [], [], []
        for decision in (run.decider.decision, SKIP):
            state.begin(1.0, x[: len(x) // len(options["uuids"])])
            run.decider.decision = decision
            with counted_blocks(model) as counts, entering_attention(model) as tensors:
                outputs.append(apply_model(executor, x, t, c_concat, c_crossattn, control, options, **kwargs))
            entered.append(tensors)
            blocks.append(sum(counts.values()))
        probes, targets = ([pair[i] for pair in captured] for i in (0, 1))
        replays.append(Replayed(outputs[0], outputs[1], run, probes, targets, entered[0], blocks))
        return outputs[0]

    model = model.clone()
    model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "replay", call)
    sample(model, 1, **options)
    return replays[0]


@contextmanager
def entering_attention(model: ModelPatcher) -> Iterator[list[Tensor]]:
    """Copies of the image's input to the first double block's attention."""
    tensors: list[Tensor] = []
    layer = model.model.diffusion_model.double_blocks[0].img_attn.qkv
    hook = layer.register_forward_pre_hook(lambda _, args: tensors.append(args[0].clone()))
    try:
        yield tensors
    finally:
        hook.remove()


@pytest.fixture(scope="module", params=["dev", "schnell"])
def model(request: pytest.FixtureRequest) -> ModelPatcher:
    """FLUX.1 with guidance and without."""
    return tiny_flux(guidance=request.param == "dev")


@pytest.mark.parametrize("references", REFERENCES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_probe_is_bit_equal_to_what_enters_the_first_attention(references: str, dtype: torch.dtype) -> None:
    replayed = replay(tiny_flux(dtype=dtype), batch=2, positive=prompt(**REFERENCES[references]))
    (entered,), (probe,) = replayed.entered, replayed.probes
    assert probe.dtype == dtype and probe.shape == (2, TOKENS, 128)
    assert (entered.shape[1] > TOKENS) == (references != "no references")
    assert torch.equal(probe, entered[:, :TOKENS])


@pytest.mark.parametrize("references", REFERENCES)
@pytest.mark.parametrize("target", TARGETS)
def test_replaying_a_target_gives_the_full_output(model: ModelPatcher, target: str, references: str) -> None:
    replayed = replay(model, target, positive=prompt(**REFERENCES[references]))
    assert replayed.run.record.evaluations[-1].skipped_calls == 1
    assert distance(replayed.forecast, replayed.full) < 1e-6
    if target == "output":
        assert torch.equal(replayed.forecast, replayed.full)


@pytest.mark.parametrize("target", TARGETS)
def test_conditions_in_one_batch_are_replayed_each_from_its_own_history(model: ModelPatcher, target: str) -> None:
    replayed = replay(model, target, batch=2, cfg=3.0)
    negative, positive = replayed.targets
    assert distance(negative, positive) > 0.1
    assert len(replayed.run.memory.histories) == 2
    assert [c.condition for c in replayed.run.record.evaluations[-1].choices] == [1, 0]
    assert distance(replayed.forecast, replayed.full) < 1e-6


@pytest.mark.parametrize("target", TARGETS)
def test_no_block_runs_in_a_skipped_call(model: ModelPatcher, target: str) -> None:
    replayed = replay(model, target)
    assert replayed.blocks == [4, 0]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("references", [name for name in REFERENCES if name != "no references"])
def test_reference_tokens_are_never_scored_nor_forecast(target: str, references: str) -> None:
    replayed = replay(tiny_flux(), target, positive=prompt(**REFERENCES[references]))
    (captured,), (choices,) = replayed.targets, replayed.run.record.evaluations[-1].choices
    assert captured.shape == (1, TOKENS, 128 if target == "residual" else 64)
    assert choices.member.shape == choices.order.shape == choices.loss.shape == (1, TOKENS)
    assert replayed.run.record.grid == (1, 4, 6)


def test_the_residual_is_what_the_blocks_add_to_the_stream(model: ModelPatcher) -> None:
    flux = model.model.diffusion_model
    seen: dict[str, Tensor] = {}

    def first(args: dict, extra: dict) -> dict:
        seen.setdefault("before", args["img"].clone())
        return extra["original_block"](args)

    watched = model.clone()
    watched.set_model_patch_replace(first, "dit", "double_block", 0)
    def last(_: nn.Module, args: tuple) -> None:
        seen.setdefault("after", args[0].clone())

    hook = flux.final_layer.register_forward_pre_hook(last)
    try:
        replayed = replay(watched)
    finally:
        hook.remove()
    assert torch.equal(replayed.targets[0], seen["after"] - seen["before"])


@pytest.mark.parametrize("target", TARGETS)
def test_sizes_that_are_not_whole_patches_are_replayed(model: ModelPatcher, target: str) -> None:
    replayed = replay(model, target, size=(7, 9))
    assert replayed.run.record.grid == (1, 4, 5)
    assert replayed.full.shape == (1, 16, 7, 9)
    assert distance(replayed.forecast, replayed.full) < 1e-6


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("references", ["no references", "offset"])
def test_control_residuals_are_part_of_the_forecast(model: ModelPatcher, target: str, references: str) -> None:
    extra = REFERENCES[references]
    control = {"input": [torch.randn(1, TOKENS, 128), None], "output": [None, torch.randn(1, TOKENS, 128)]}
    plain = replay(model, target, positive=prompt(**extra))
    controlled = replay(model, target, control, positive=prompt(**extra))
    assert distance(controlled.full, plain.full) > 0.01
    assert distance(controlled.forecast, controlled.full) < 1e-6


def test_a_block_that_another_node_replaces_is_still_replaced_on_full_steps(model: ModelPatcher) -> None:
    calls: list[int] = []

    def mine(place: int, factor: float) -> object:
        def block(args: dict, extra: dict) -> dict:
            calls.append(place)
            out = extra["original_block"](args)
            return {**out, "img": out["img"] * factor}
        return block

    other = model.clone()
    other.set_model_patch_replace(mine(0, 1.5), "dit", "double_block", 0)
    other.set_model_patch_replace(mine(3, 0.5), "dit", "single_block", 1)
    replayed = replay(other)
    assert calls == [0, 3]
    assert distance(replayed.full, replay(model).full) > 0.01
    assert distance(replayed.forecast, replayed.full) < 1e-6


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_writes_into_a_remembered_tensor(model: ModelPatcher, target: str) -> None:
    replayed = replay(model, target, cfg=3.0)
    kept = [history.snapshots[0] for history in replayed.run.memory.histories.values()]
    assert all(torch.equal(snapshot.probe, probe) for snapshot, probe in zip(kept, replayed.probes, strict=True))
    assert all(torch.equal(snapshot.target, target) for snapshot, target in zip(kept, replayed.targets, strict=True))


@pytest.mark.parametrize("target", TARGETS)
def test_the_options_that_comfyui_shares_between_calls_stay_as_they_were(model: ModelPatcher, target: str) -> None:
    replaced: list[set] = []

    def call(executor: WrapperExecutor, *args: object, **kwargs: object) -> Tensor:
        options = args[5]
        output = executor(*args, **kwargs)
        replaced.append(set(options.get("patches_replace", {}).get("dit", {})))
        return output

    outer = model.clone()
    outer.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "outer", call)
    outer.set_model_patch_replace(lambda args, extra: extra["original_block"](args), "dit", "double_block", 1)
    replay(outer, target)
    assert replaced == [{("double_block", 1)}]
