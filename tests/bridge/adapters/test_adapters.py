"""One table of models, and what each of them must show. A new model is one entry in tests/support."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from unittest.mock import patch

import pytest
import torch
from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
from tap_pack.nodes.comfy_bridge.seam.block_seam import BlockSeam
from tap_pack.nodes.comfy_bridge.seam.cut import cut_of, parts_of
from tap_pack.nodes.comfy_bridge.seam.self_check import attended_tokens
from tap_pack.nodes.comfy_bridge.seam.unread import Look
from tap_pack.tap_core.pictures.choice_image import MapOptions, draw_choice_map
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.record.record import TapRecord
from tap_pack.tap_core.sampling.settings import TapSettings
from torch import Tensor, nn

from first_call import Call, in_first_call
from tiny_models import TinyModel, sample
from tiny_table import ALL_ROWS, KINDS

# FEW: of runs in which every step is computed, one as the other.
STEPS, FEW = 6, 2
EPSILON = torch.finfo(torch.float32).eps
# A stream that is put together again passes the final layer. Measured: 6 roundings with SSE4.1, 3 with AVX2 and AVX512.
ROUNDING = 32 * EPSILON


@pytest.fixture(scope="module", params=ALL_ROWS, ids=str)
def row(request: pytest.FixtureRequest) -> TinyModel:
    """One row after the other; a model that this ComfyUI does not have is skipped by name."""
    if not request.param.known:
        pytest.skip("not in this ComfyUI")
    return request.param


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    """ComfyUI runs every prompt like this."""
    with torch.inference_mode():
        yield


def own_attributes(model: nn.Module) -> list[tuple]:
    """Everything that a shadow or a hook could leave."""
    return [(*sorted(vars(part)), len(part._forward_hooks), len(part._forward_pre_hooks)) for part in model.modules()]


def close(one: Tensor, other: Tensor, rounding: float = 0.0) -> bool:
    return bool((one - other).abs().max() <= ROUNDING * max(1.0, other.abs().max().item()) + rounding)


def test_the_probe_is_what_attention_gets_and_a_replayed_target_gives_the_same_picture(row: TinyModel) -> None:
    def look(call: Call) -> None:
        plain = call.forward(call.options)
        for target in ("residual", "output"):
            check_replayed(call, target, plain)

    for shape in row.sizes:
        in_first_call(row, shape, look)


def check_replayed(call: Call, target: str, plain: Tensor) -> None:
    before = own_attributes(call.model)
    full = call.seam(target, watch=True)
    assert torch.equal(full.compute(call.forward, call.options), plain)
    assert full.captured.complete and full.captured.target.isfinite().all()
    if isinstance(full, BlockSeam):
        assert torch.equal(attended_tokens(full.captured), full.captured.probe)

    def replay(probe: Tensor) -> Tensor:
        assert torch.equal(probe, full.captured.probe)
        return full.captured.target

    skipped = call.seam(target)
    output = skipped.forecast(call.forward, call.options, replay)
    # A picture computed as x minus a slope has the rounding of x: 2500 in Stable Video Diffusion's first step.
    rounding = 0.0 if isinstance(full, BlockSeam) else EPSILON * call.x.abs().max().item()
    assert skipped.captured.complete and close(output, plain, rounding)
    if isinstance(full, BlockSeam):
        again = call.seam(target)
        again.unread = skipped.unread  # it knows by now how what nobody reads looks
        with patch.object(Look, "empty", lambda look: torch.zeros(look.shape, dtype=look.dtype).div(0).to(look.dtype)):
            assert torch.equal(again.forecast(call.forward, call.options, replay), output)
    assert own_attributes(call.model) == before


def test_a_call_that_decides_at_block_0_is_computed_or_forecast_as_any_other(row: TinyModel) -> None:
    """As for schedules that look at blocks: they also see what enters and leaves the first and the last block."""
    seen = frozenset({"stream", "block", "last_input", "last_output"})

    def look(call: Call) -> None:
        full, skipped = call.seam("residual"), call.seam("residual")
        if not isinstance(full, BlockSeam):
            return
        full.keeps = skipped.keeps = seen
        plain = call.forward(call.options)
        assert torch.equal(full.attempt(call.forward, call.options, lambda captured: None), plain)
        assert full.captured.stream.shape == full.captured.block.shape == full.captured.start.shape
        assert full.captured.last_input.shape == full.captured.last_output.shape
        target, verify = full.captured.target, full.captured.last_input
        assert close(skipped.attempt(call.forward, call.options, lambda captured: target, verify), plain)
        assert skipped.captured.skipped and torch.equal(skipped.captured.last_input, verify)

    in_first_call(row, next(iter(row.sizes)), look)


def test_tokens_lie_on_the_picture_as_the_grid_says(row: TinyModel) -> None:
    for shape, grid in row.sizes.items():

        def look(call: Call, shape: tuple[int, ...] = shape, grid: tuple[int, int, int] = grid) -> None:
            assert call.grid == grid
            plain = call.seam("output")
            plain.compute(call.forward, call.options)
            assert plain.captured.probe.shape[:2] == plain.captured.target.shape[:2]
            assert plain.captured.probe.shape[1] == cut_of(call.x, grid, call.shapes, call.adapter.side_patch).count
            for place in ((0, 0, 0), (grid[0] - 1, 0, grid[2] - 1), (grid[0] // 2, grid[1] - 1, 0)):
                dotted = with_dot(call, place)
                moved = probe_at(call, dotted) - plain.captured.probe
                expected = (place[0] * grid[1] + place[1]) * grid[2] + place[2]
                assert moved.norm(dim=-1).argmax(dim=-1).eq(expected).all(), place

        in_first_call(row, shape, look)


def probe_at(call: Call, x: Tensor) -> Tensor:
    """The probe [B, N, D] of another noisy picture."""
    seam = call.seam("output", x=x)
    seam.compute(lambda options: call.forward(options, x), call.options)
    return seam.captured.probe


def with_dot(call: Call, place: tuple[int, int, int]) -> Tensor:
    """The noisy picture [B, C, (T,) H, W], with another value at the last pixel of one patch.

    The last pixel, because ComfyUI pads odd sizes with the first rows and columns.
    """
    dotted = call.x.clone()
    picture = parts_of(dotted, call.shapes)[0]
    patch = (1, 1, 1, *call.adapter.patch(call.model))[-3:]
    ends = [(at + 1) * step for at, step in zip(place, patch, strict=True)][3 - (picture.ndim - 2) :]
    pixel = [min(end, size) - 1 for end, size in zip(ends, picture.shape[2:], strict=True)]
    picture[(..., *pixel)] += 3.0
    return dotted


@pytest.mark.parametrize("target", ["residual", "output"])
@pytest.mark.parametrize("name", ["Hunyuan3D 2.1", "SeedVR2", "FLUX.1 dev"])
def test_a_prompt_has_the_same_target_alone_and_beside_another(name: str, target: str) -> None:
    """The first two swap the halves of their batch. ComfyUI's SeedVR2 itself makes another video of one of the two."""
    row = next(replace(row, single=True) for row in ALL_ROWS if row.name == name)
    if not row.known:
        pytest.skip("not in this ComfyUI")

    def look(call: Call) -> None:
        both = call.seam(target)
        outputs, targets = both.compute(call.forward, call.options).chunk(2), both.captured.target.chunk(2)
        assert not close(*targets, 1e-5)
        same = []
        for place in (0, 1):
            alone = call.alone(place)
            seam = alone.seam(target)
            if close(seam.compute(alone.forward, alone.options), outputs[place], 1e-5):
                assert close(seam.captured.target, targets[place], 1e-5)
                same.append(place)
        assert same == ([1] if name == "SeedVR2" else [0, 1])

    in_first_call(row, next(iter(row.sizes)), look)


def test_sampling_skips_blocks_and_turned_off_changes_nothing(row: TinyModel) -> None:
    """With guidance, both prompts in one call; a model of each kind of seam also without, as the next test has all."""
    for cfg in (1.0,) if row.lone else (1.0, 3.0) if row.name in KINDS else (3.0,):
        check_sampling(row, cfg)


def check_sampling(row: TinyModel, cfg: float) -> None:
    shape, grid = next(iter(row.sizes.items()))
    stock = sample(row, row.patcher(), shape, row.batch, cfg, FEW)
    with counted_blocks(row) as counts:
        off, record = accelerated(row, shape, cfg, interval=1, steps=FEW)
        assert torch.equal(off, stock)
        off_calls, calls = counts.copy(), sum(e.full_calls for e in record.evaluations)
        counts[:] = [0] * len(counts)
        picture, record = accelerated(row, shape, cfg, interval=3)
        assert record.fallbacks == []
        assert record.full_steps == [0, 1, 4] and record.skipped_steps == [2, 3, 5]
        full_calls = sum(e.full_calls for e in record.evaluations)
        assert counts == [count * full_calls // calls for count in off_calls]
    assert picture.isfinite().all()
    assert record.grid == grid
    shapes = {tuple(choice.order.shape) for e in record.evaluations for choice in e.choices}
    assert shapes == {(row.batch, grid[0] * grid[1] * grid[2])}
    frames = draw_choice_map(record, MapOptions(size=96, legend=False))
    # Sounds and sets of points have one row of tokens, which is drawn as a strip.
    assert len(frames) == STEPS and min(frames.shape[1:3]) >= 12 and max(frames.shape[1:3]) == 96


def test_sampling_forecasts_the_default_target_too(row: TinyModel) -> None:
    shape = next(iter(row.sizes))
    picture, record = accelerated(row, shape, cfg=1.0, interval=3, target="auto")
    assert record.fallbacks == [] and record.skipped_steps == [2, 3, 5]
    assert picture.isfinite().all()


def accelerated(
    row: TinyModel, shape: tuple[int, ...], cfg: float, interval: int, target: str = "residual", steps: int = STEPS
) -> tuple[Tensor, TapRecord]:
    """A picture made with TAP, and the record of the run."""
    model, holder = row.patcher(), RecordHolder()
    settings = TapSettings(interval=interval, warmup_steps=2, target=target, correction="off", placement="paper")
    TapPatch(settings, holder).install(model)
    return sample(row, model, shape, row.batch, cfg, steps), holder.latest


@contextmanager
def counted_blocks(row: TinyModel) -> Iterator[list[int]]:
    """Counts how often each block is computed, wherever it is called from."""
    blocks = row.block_modules()
    counts, places = [0] * len(blocks), {id(block): place for place, block in enumerate(blocks)}
    with ExitStack() as stack:
        for kind in {type(block) for block in blocks}:

            @functools.wraps(kind.forward)
            def counted(block: nn.Module, *args: object, forward: Callable = kind.forward, **kwargs: object) -> object:
                if id(block) in places:
                    counts[places[id(block)]] += 1
                return forward(block, *args, **kwargs)

            stack.enter_context(patch.object(kind, "forward", counted))
        yield counts
