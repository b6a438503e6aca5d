"""A FLUX whose tokens are split across two processes inside the model, as sequence-parallel packs do it.

Each process has its part of the picture from the first block to the last; in every block keys and values are gathered
from all of them. If only one process skipped blocks, the other one would wait forever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.tap_core.schedules.teacache import TeaCacheSchedule
from torch import Tensor, nn

from matrix_row import accelerate, relative_error
from matrix_stage import Stage
from two_processes import PROCESSES, in_two_processes, joined, share_of

TEACACHE = TeaCacheSchedule(threshold=0.5, coefficients=(1.0, 0.0))
Forward = Callable[..., object]


class Did(NamedTuple):
    """What a record tells, without its maps: tensors are hard to send from process to process."""

    full: tuple[int, ...]
    skipped: tuple[int, ...]
    says: tuple[str, ...]


def share_out(model: ModelPatcher, rank: int) -> ModelPatcher:
    """The model with its picture's tokens split before the first block and joined after the last block."""
    flux, shared = model.model.diffusion_model, model.clone()
    count = 0

    def cut_up(original: Forward, tokens: Tensor) -> Tensor:
        nonlocal count
        count = tokens.shape[1]
        return share_of(original(tokens), rank)

    def cut_up_places(original: Forward, ids: Tensor) -> Tensor:
        return original(torch.cat([ids[:, :-count], share_of(ids[:, -count:], rank)], dim=1))

    def attend(original: Forward, q: Tensor, k: Tensor, v: Tensor, *args: object, **options: object) -> Tensor:
        mine = count // PROCESSES
        k, v = (torch.cat([part[:, :, :-mine], joined(part[:, :, -mine:], dim=2)], dim=2) for part in (k, v))
        return original(q, k, v, *args, **options)

    def put_together(original: Forward, *args: object) -> Tensor:
        return joined(original(*args))

    for part, call in ((flux.img_in, cut_up), (flux.pe_embedder, cut_up_places), (flux.final_layer, put_together)):
        _replace(part, call)
    shared.model_options["transformer_options"]["optimized_attention_override"] = attend
    return shared


def pictures(stage: Stage, build: Callable[[], ModelPatcher]) -> list[tuple[list, Did | None]]:
    """Pictures without TAP, with its defaults, and with a schedule that looks at the picture; and what TAP did."""
    made = [(stage.sample(build()).tolist(), None)]
    for inputs in ({}, {"schedule": TEACACHE}):
        model, holder = accelerate(build(), **inputs)
        picture, record = stage.sample(model).tolist(), holder.latest
        made.append((picture, Did(tuple(record.full_steps), tuple(record.skipped_steps), tuple(record.fallbacks))))
    return made


def check_shared_picture(stage: Stage) -> str:
    """Every process has the picture that a single process makes, and says why TAP did not help."""
    single = stage.sample(stage.build())
    for made in in_two_processes(lambda rank: pictures(stage, lambda: share_out(stage.build(), rank))):
        (plain, _), (default, did), (watched, other) = made
        assert relative_error(torch.tensor(plain), single) < 1e-4
        assert plain == default == watched
        assert not did.skipped and not other.skipped
        assert "share out the tokens of a picture" in did.says[0]
        assert "TeaCache looks at the whole picture" in other.says[0]
    return "computed in full, and says why"


def check_pictures_of_their_own(stage: Stage) -> str:
    """Processes that each make a picture: TAP works as in one, except for schedules that look at the picture."""
    wanted = pictures(stage, stage.build)
    for made in in_two_processes(lambda rank: pictures(stage, stage.build)):
        (plain, _), (default, did), (watched, other) = made
        assert plain == wanted[0][0] == watched and not other.skipped
        assert relative_error(torch.tensor(default), torch.tensor(wanted[1][0])) < 1e-6
        assert did == wanted[1][1] and did.skipped and not did.says
    return f"forecast, {len(did.full)} of {len(did.full) + len(did.skipped)} steps computed"


def _replace(part: nn.Module, call: Callable[..., Tensor]) -> None:
    original = part.forward
    part.forward = lambda *args: call(original, *args)
