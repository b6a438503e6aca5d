"""Calls that are computed in part, in ComfyUI's own model classes: which tokens the blocks see, and what that gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from tap_pack.nodes.comfy_bridge.adapters.find_adapter import can_cut, find_adapter
from tap_pack.nodes.comfy_bridge.seam.part import Part
from torch import Tensor

from first_call import Call, in_first_call
from tiny_models import TinyModel
from tiny_table import ALL_ROWS

# The five families: rows of modulation for each frame, for the first frame alone, and for none.
FAMILIES = ("FLUX.1 dev", "FLUX.1 schnell", "FLUX.1 Fill", "FLUX.2", "LongCat-Image", "Qwen-Image", "Wan 2.1",
            "Wan 2.1, image to video", "Wan 2.2 5B", "Wan 2.2 5B, image to video", "Wan Camera", "HunyuanVideo",
            "HunyuanVideo, image to video", "HunyuanVideo, SkyReels", "HunyuanVideo 1.5", "HunyuanImage 2.1",
            "HunyuanImage 2.1 refiner", "Stable Diffusion 3", "Stable Diffusion 3.5 medium",
            "Stable Diffusion 3.5 large")
# Their streams have other tokens beside the picture's.
REFERENCES = ("FLUX.1 Kontext", "FLUX.1 references, offset", "FLUX.1 references, index", "FLUX.1 references, uxo",
              "FLUX.2 references", "FLUX.2 klein references, index_timestep_zero", "LongCat-Image references",
              "Qwen-Image-Edit", "Qwen-Image-Edit 2511", "Qwen-Image-Edit, offset references", "Qwen-Image-Layered",
              "HunyuanVideo, reference frame", "Wan 2.1 Fun-Control, reference frame", "Wan 2.1, frames behind")


def row_of(name: str) -> TinyModel:
    return next(row for row in ALL_ROWS if row.name == name)


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    """ComfyUI runs every prompt like this."""
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module", params=FAMILIES)
def row(request: pytest.FixtureRequest) -> TinyModel:
    return row_of(request.param)


def in_part(call: Call, target: str, kept: Tensor, forecast: Tensor) -> Tensor:
    """What the call gives if only the kept tokens [N] are computed, and the others are `forecast` [B, N, C]."""
    seam = call.seam(target)
    made = seam.compute_part(call.forward, call.options, lambda probe: forecast, Part(kept, call.adapter))
    assert seam.captured.part and seam.captured.complete
    return made


def target_of(call: Call, target: str, **options: object) -> Tensor:
    """The true target [B, N, C] of the call."""
    seam = call.seam(target)
    seam.compute(call.forward, {**call.options, **options})
    return seam.captured.target


def count_of(call: Call) -> int:
    return call.grid[0] * call.grid[1] * call.grid[2]


def test_with_all_tokens_chosen_it_is_the_full_step_bit_for_bit(row: TinyModel) -> None:
    def look(call: Call) -> None:
        plain, every = call.forward(call.options), torch.ones(count_of(call), dtype=torch.bool)
        for target in ("residual", "auto"):
            assert torch.equal(in_part(call, target, every, torch.zeros_like(target_of(call, target))), plain)

    for shape in row.sizes:
        in_first_call(row, shape, look)


def test_kept_tokens_are_as_if_attention_did_not_see_the_others(row: TinyModel) -> None:
    """Which holds only if positions, masks and modulation are cut at the same tokens. The others are the forecast."""
    in_first_call(row, next(iter(row.sizes)), check_kept)


def check_kept(call: Call, target: str = "output") -> None:
    kept = torch.rand(count_of(call), generator=torch.Generator().manual_seed(3)) < 0.5
    seen = target_of(call, target, optimized_attention_override=hiding(~kept))
    forecast = target_of(call, target) + 0.25
    assert not torch.allclose(seen[:, kept], target_of(call, target)[:, kept], atol=1e-5)
    wanted = call.seam(target).forecast(call.forward, call.options,
                                        lambda probe: torch.where(kept[:, None], seen, forecast))
    torch.testing.assert_close(in_part(call, target, kept, forecast), wanted, rtol=1e-4, atol=2e-5)


def check_more(call: Call, args: tuple, kwargs: dict) -> None:
    """With other arguments the call gives something else, and in part the same as in full."""
    more = Call(call.executor, args, kwargs)
    plain, every = more.forward(call.options), torch.ones(count_of(call), dtype=torch.bool)
    assert not torch.equal(plain, call.forward(call.options))
    assert torch.equal(in_part(more, "residual", every, torch.zeros_like(target_of(more, "residual"))), plain)
    check_kept(more)


def test_residuals_of_a_controlnet_reach_the_kept_tokens() -> None:
    """The model adds them between its blocks, to all tokens."""
    row = row_of("FLUX.1 dev")

    def look(call: Call) -> None:
        added = torch.randn(len(call.x), count_of(call), call.model.hidden_size)
        control = {"input": [added], "output": [added]}
        check_more(call, (*call.args[:4], control, call.args[5]), call.kwargs)

    in_first_call(row, next(iter(row.sizes)), look)


def of_all_tokens(text: int, picture: int) -> Tensor:
    """As Redux's strength: each token of text and picture weighs each other one."""
    mask = torch.randn(1, text + picture, text + picture, generator=torch.Generator().manual_seed(4))
    return mask.log_softmax(-1)


def of_the_text(text: int, picture: int) -> Tensor:
    """As a text encoder's: the last tokens are padding."""
    return (torch.arange(text) < text - 2).long()[None]


@pytest.mark.parametrize(("name", "mask"), [
    ("FLUX.1 dev", of_all_tokens), ("HunyuanVideo", of_the_text), ("Qwen-Image", of_the_text)])
def test_a_mask_is_cut_at_the_same_tokens(name: str, mask: Callable[[int, int], Tensor]) -> None:
    row = row_of(name)

    def look(call: Call) -> None:
        given = mask(call.args[3].shape[1], count_of(call))
        check_more(call, call.args, {**call.kwargs, "attention_mask": given})

    in_first_call(row, next(iter(row.sizes)), look)


def hiding(left_out: Tensor) -> Callable[..., Tensor]:
    """An attention in which no token sees these tokens of the picture, which are the last keys."""

    def attention(original: Callable[..., Tensor], q: Tensor, k: Tensor, v: Tensor, heads: int,
                  mask: Tensor | None = None, **options: object) -> Tensor:
        keys = k.shape[2 if options.get("skip_reshape") else 1]
        if keys >= len(left_out):
            hidden = torch.zeros(1, 1, 1, keys, dtype=q.dtype)
            hidden[..., keys - len(left_out):].masked_fill_(left_out, -torch.inf)
            mask = hidden if mask is None else hidden + mask.reshape(-1, 1, *mask.shape[-2:])
        return original(q, k, v, heads, mask=mask, **options)

    return attention


@pytest.mark.parametrize("name", REFERENCES)
def test_a_stream_with_other_tokens_is_computed_in_full(name: str) -> None:
    row = row_of(name)

    def look(call: Call) -> None:
        seam, kept = call.seam("residual"), torch.zeros(count_of(call), dtype=torch.bool)
        plain = call.forward(call.options)
        assert torch.equal(seam.compute_part(call.forward, call.options, pytest.fail, Part(kept, call.adapter)), plain)
        assert seam.captured.complete and not seam.captured.part

    in_first_call(row, next(iter(row.sizes)), look)


@pytest.mark.parametrize("tiny", [row for row in ALL_ROWS if row.known], ids=str)
def test_every_model_that_can_be_cut_is_in_one_of_these_lists(tiny: TinyModel) -> None:
    """And no other: the blocks of a subclass may take other arguments, such as HuMo's, which need whole frames."""
    model = tiny.build_anew().diffusion_model
    assert can_cut(find_adapter(model), model) == (tiny.name in FAMILIES + REFERENCES)
