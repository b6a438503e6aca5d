"""memory_limit: what TAP keeps on the model's device, what goes to the CPU, and what it says of that."""

from __future__ import annotations

from collections.abc import Callable

import comfy.model_management
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.nodes.comfy_bridge.live.live_run import LiveRun
from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.record.record import TapRecord
from tap_pack.tap_core.record.summary import report_text
from tap_pack.tap_core.sampling.run import TapRun
from tap_pack.tap_core.sampling.settings import TapSettings
from torch import Tensor

import tiny_models
from tiny_table import ALL_ROWS

ROW = next(row for row in ALL_ROWS if row.name == "FLUX.1 dev")
SHAPE = (16, 12, 18)
LATENT = 4 * 16 * 12 * 18
STEPS = 12


class Limited:
    """A run with so many bytes of room. lines: of the node.

    peaks: what was counted on the device after each evaluation; held: what its storages there take.
    """

    def __init__(self, limit: int | None, monkeypatch: pytest.MonkeyPatch, sampler: str = "euler",
                 **settings: object) -> None:
        self.peaks: list[int] = []
        self.held: list[int] = []
        self.away: list[list[bool]] = []
        self.lines: list[str] = []
        self.asked: list[float] = []
        self.replays: set[object] = set()
        # Tiny models keep less than the smallest limit of the node.
        monkeypatch.setattr(TapSettings, "limit_bytes", property(lambda settings: limit))
        monkeypatch.setattr(TapRun, "finish", self._watched(TapRun.finish))
        monkeypatch.setattr(TapRun, "goes_again", self._watched(TapRun.goes_again))
        monkeypatch.setattr(LiveRun, "_log_plan", lambda live: self.lines.append(live._line()))
        load = comfy.model_management.load_models_gpu

        def loaded(models: list, memory_required: float = 0, **kwargs: object) -> object:
            self.asked.append(memory_required)
            return load(models, memory_required=memory_required, **kwargs)

        monkeypatch.setattr(comfy.model_management, "load_models_gpu", loaded)
        holder = RecordHolder()
        model = ROW.patcher()
        TapPatch(TapSettings(interval=2, **settings), holder).install(model)
        with torch.inference_mode():
            self.picture: Tensor = tiny_models.sample(ROW, model, SHAPE, cfg=2.0, steps=STEPS, sampler=sampler)
        self.record: TapRecord = holder.latest
        monkeypatch.undo()

    def _watched(self, done: Callable[..., object]) -> Callable[..., object]:
        def watched(run: TapRun, *args: object) -> object:
            given = done(run, *args)
            replayed = run.replay is not None and run.replay.device is None
            latents = run.standing.nbytes + (run.replay.nbytes if replayed else 0)
            self.replays.add(None if run.replay is None else run.replay.device)
            histories = run.memory.histories.values()
            self.peaks.append(latents + sum(history.device_bytes for history in histories))
            self.held.append(latents + storage_bytes(run))
            self.away += [[snapshot.away for snapshot in history.snapshots] for history in histories]
            return given

        return watched


def storage_bytes(run: TapRun) -> int:
    """Bytes of all storages that a run's histories keep alive on the device."""
    kept = [each for history in run.memory.histories.values() for snapshot in history.snapshots if not snapshot.away
            for each in vars(snapshot).values() if isinstance(each, Tensor)]
    storages = {each.untyped_storage().data_ptr(): each.untyped_storage() for each in kept}
    return sum(storage.nbytes() for storage in storages.values())


def stock() -> Tensor:
    """Without TAP."""
    with torch.inference_mode():
        model: ModelPatcher = ROW.patcher()
        return tiny_models.sample(ROW, model, SHAPE, cfg=2.0, steps=STEPS)


def test_the_oldest_snapshots_move_and_the_picture_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    free = Limited(None, monkeypatch)
    most = max(free.peaks)
    assert not any(map(any, free.away))
    for share in (0.9, 0.7):
        limited = Limited(int(share * most), monkeypatch)
        assert torch.equal(limited.picture, free.picture)
        assert max(limited.peaks) <= share * most
        assert any(map(any, limited.away)) and all(away == sorted(away) for away in limited.away)
        assert limited.record.cache_bytes == free.record.cache_bytes
        assert limited.record.fallbacks == free.record.fallbacks
        # ComfyUI is asked for no more than stays there.
        assert limited.asked[0] < free.asked[0]


@pytest.mark.parametrize("settings", [{}, {"target": "residual", "probe_stride": 1}], ids=["defaults", "residual"])
def test_what_is_moved_is_freed_though_the_prompts_came_in_one_call(
    settings: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = max(Limited(None, monkeypatch, **settings).held)
    for share in (0.95, 0.9, 0.85, 0.75, 0.7):
        limited = Limited(int(share * most), monkeypatch, **settings)
        assert any(map(any, limited.away)) and max(limited.held) <= share * most


def test_latents_of_the_replay_go_to_the_cpu_where_they_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    free = Limited(None, monkeypatch)
    limited = Limited(5 * LATENT, monkeypatch)
    assert free.replays == {None} and limited.replays == {torch.device("cpu")}
    assert torch.equal(limited.picture, free.picture)
    assert max(limited.peaks) <= 5 * LATENT


@pytest.mark.parametrize("sampler", ["heun", "seeds_3"])
def test_a_sampler_that_evaluates_steps_twice_keeps_to_the_limit_too(
    sampler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = Limited(None, monkeypatch, sampler)
    planned = 25 * LATENT  # enough at one evaluation a step
    assert max(free.peaks) > 1.2 * planned
    limited = Limited(planned, monkeypatch, sampler)
    assert limited.replays == {None, torch.device("cpu")}  # from one to the other in mid-run
    assert torch.equal(limited.picture, free.picture)
    assert max(limited.peaks) <= planned
    assert limited.record.cache_bytes == free.record.cache_bytes


def test_without_room_for_the_latents_tap_steps_aside_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    limited = Limited(2 * LATENT, monkeypatch)
    assert torch.equal(limited.picture, stock())
    assert limited.record.skipped_steps == [] and limited.record.cache_bytes == 0
    (said,) = limited.record.fallbacks
    assert said.startswith("memory_limit is ") and "Raise memory_limit, or set it to 0." in said
    assert said in report_text(limited.record) and said in limited.lines[0]
