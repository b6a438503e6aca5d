"""What seconds are measured with, on tiny models."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tap_pack.tap_core.sampling.settings import TapSettings

from models.full_size import FULL_SIZES
from overhead import command as overhead
from overhead import launches
from overhead import on_processor as overhead_cpu

CPU = torch.device("cpu")
SHAPE = {"hidden_size": 128, "num_heads": 1, "context_in_dim": 48, "vec_in_dim": 64}
TINY = replace(FULL_SIZES[0], config={**FULL_SIZES[0].config, **SHAPE, "depth": 2, "depth_single_blocks": 2},
               latent=(16, 8, 12), words=(7,), steps=12, context=48, pooled=64)


def test_the_estimate_adds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    found = overhead_cpu.estimate(TINY, 2, 2, (4,), overhead.WAYS)
    seconds = found["seconds"]
    whole = seconds["embedder and final layer"] + 2 * seconds["double block"] + 2 * seconds["single block"]
    assert seconds["full step"] == pytest.approx(whole)
    assert [way["name"] for way in found["ways"]] == list(overhead.WAYS)
    for way in found["ways"]:
        assert way["skipped_share"] == pytest.approx(way["skipped"] / whole)
        (row,) = way["rows"]
        assert row["full_steps"] == 5
        way["launches"] = {"full": 20, "skipped": 80, "seconds": 0.0007}
    monkeypatch.setitem(overhead.PAPER, 4, (1.0, 1.0))
    assert overhead.MISSING in overhead.markdown(found)
    assert "| 20 | 80 | 0.70 |" in overhead.markdown(found)


def test_seconds_of_a_run_are_those_of_its_steps() -> None:
    """Of four steps two are full and cost 1 s of blocks more; 0.1 s is spent outside of them without TAP."""
    run = [(True, 0.1), (False, 0.2), (True, 0.3), (False, 0.4)]
    way = overhead_cpu.way_of("made up", {2: run}, outside=0.1, blocks=1.0)
    assert way["full_adds"] == pytest.approx(0.1) and way["skipped"] == pytest.approx(0.3)
    assert way["beyond_share"] == pytest.approx(0.2 / 1.1)
    assert way["rows"] == [{"interval": 2, "full_steps": 2, "speed_up": pytest.approx(4.4 / 3.0), "bound": 2.0}]


def test_operators_are_counted_and_views_are_not() -> None:
    with launches.LaunchCounter() as counter:
        x = torch.zeros(4, 4)
        x.view(16)[:3].add_(1)
        torch.empty(3)
        (x + 1).sum()
    assert counter.launches == 4


def test_tap_launches_little_and_one_predictor_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a card: full size, without values; operators are the same at every step of a kind."""
    monkeypatch.setattr(launches, "RUNS", 2)
    size = replace(FULL_SIZES[0], steps=12)
    default = launches.beyond_stock(size, TapSettings())
    single = launches.beyond_stock(size, TapSettings(orders="1", horizon_from=0, trust="full"))
    assert 0 < single.skipped < default.skipped < 150
    assert 0 < single.full < default.full < 200
    assert 0 < default.seconds < 0.1
