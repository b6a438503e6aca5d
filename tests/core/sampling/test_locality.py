"""With several processes, what looks at more than one token at a time falls back; tests/matrix runs two processes."""

from __future__ import annotations

import pytest
from tap_pack.tap_core.sampling import run as run_module
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.sampling.run import TapRun
from tap_pack.tap_core.sampling.settings import TapSettings
from tap_pack.tap_core.schedules.interval import IntervalSchedule
from tap_pack.tap_core.schedules.teacache import TeaCacheSchedule

from trajectories import even_timeline

WHOLE = [
    ({"given_schedule": TeaCacheSchedule()}, "The schedule TeaCache looks at the whole picture"),
    ({"given_pool": PoolSettings(selection="one for all")}, "The selection 'one for all' looks at all tokens"),
    ({"given_pool": PoolSettings(families=("taylor", "freqca"))}, "The predictor freqca looks at several tokens"),
]


def started(monkeypatch: pytest.MonkeyPatch, processes: int, **options: object) -> TapRun:
    """A run with these options in one of so many processes."""
    monkeypatch.setattr(run_module, "processes", lambda: processes)
    return TapRun(TapSettings(**options), even_timeline(20).sigmas, "toy")


@pytest.mark.parametrize(("options", "says"), WHOLE)
def test_what_looks_at_more_than_a_token_falls_back(
    monkeypatch: pytest.MonkeyPatch, options: dict, says: str
) -> None:
    single, shared = (started(monkeypatch, count, **options) for count in (1, 2))
    assert not single.notes.fell_back and not single.record.fallbacks
    assert shared.notes.fell_back
    (reason,) = shared.record.fallbacks
    assert says in reason and "every step is computed in full" in reason


def test_what_looks_at_one_token_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    run = started(monkeypatch, 2, given_schedule=IntervalSchedule(5, 3), given_pool=PoolSettings(families=("tc-pade",)))
    assert not run.notes.fell_back and not run.record.fallbacks
