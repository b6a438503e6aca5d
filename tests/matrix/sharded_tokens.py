"""Tokens split across processes: each runs the engine on its part of every token tensor; they do not communicate.

The model here makes each token only from itself, so every difference comes from TAP.
"""

from __future__ import annotations

import torch
from tap_pack.tap_core.engine.selector import SELECTIONS
from tap_pack.tap_core.engine.step import Forecast, skipped_step
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.predictors.families import FAMILIES
from tap_pack.tap_core.record.record import TapRecord
from tap_pack.tap_core.sampling.locality import schedule_is_local
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from tap_pack.tap_core.sampling.run import TapRun
from tap_pack.tap_core.sampling.settings import PLACED, TapSettings
from tap_pack.tap_core.schedule import AnySchedule
from tap_pack.tap_core.schedules.registry import SCHEDULES
from torch import Tensor

from trajectories import even_timeline, history_of, noise, polynomial, shifted_sigmas
from two_processes import PROCESSES, in_two_processes

TOKENS, CHANNELS, STEPS = 24, 16, 20
ASKED, PAST = 14.0, (12.0, 8.0, 4.0, 0.0)
WHOLE = slice(0, TOKENS)
Part = dict[str, object]


def pools() -> dict[str, PoolSettings]:
    """One pool of each family, and the usual one with every selection."""
    made = {name: PoolSettings(families=(name,)) for name in FAMILIES}
    # An oracle chooses by the true result, which a forecast does not have.
    made |= {f"selection: {name}": PoolSettings(selection=name) for name in SELECTIONS if name != "oracle"}
    return made | {"dicache, one for all": PoolSettings(families=("dicache",), dicache_per_token=False)}


def schedules() -> dict[str, AnySchedule]:
    """All schedules, with their usual settings."""
    needed = {"interval": (5, 3), "list of steps": ((0, 1, 4, 9, 15),)}
    made = {name: kind(*needed.get(name, ())) for name, kind in SCHEDULES.items()}
    return made | {f"placement {name}": place(5, 3) for name, place in PLACED.items()}


def is_declared_local(settings: PoolSettings) -> bool:
    """Whether the pool says that its tokens may be split."""
    return settings.selector().local and all(member.local for member in settings.pool().explicit)


def not_local() -> list[str]:
    """Names of pools and schedules that are declared not to be local."""
    names = [name for name, settings in pools().items() if not is_declared_local(settings)]
    return sorted(names + [name for name, schedule in schedules().items() if not schedule_is_local(schedule)])


def tokens_of(rank: int) -> slice:
    """The tokens of one process."""
    size = TOKENS // PROCESSES
    return slice(rank * size, (rank + 1) * size)


def forecast(settings: PoolSettings, tokens: slice) -> Part:
    """A skipped step of a process that has these tokens."""
    parts = [noise((2, TOKENS, CHANNELS), seed, torch.float32)[:, tokens] * 0.5**seed for seed in range(3)]
    path = polynomial(parts, even_timeline(STEPS, "sigma"))
    history = history_of(PAST, path, lambda position: path(position).sin())
    # Some tokens move steadily, others do not: a shared choice is then wrong for some.
    unrest = torch.linspace(0, 0.1, TOKENS)[tokens, None] * noise((2, TOKENS, CHANNELS), 7, torch.float32)[:, tokens]
    grid = (1, 4, 6) if tokens == WHOLE else (1, 4 // PROCESSES, 6)
    made: Forecast = skipped_step(history, ASKED, path(ASKED) + unrest, settings.pool(), even_timeline(STEPS), "cosine",
                                  settings.selector(), grid)
    return {"choice": made.choice.tolist(), "target": made.target.tolist(), "loss": made.loss.tolist()}


def sampled(settings: TapSettings, tokens: slice) -> tuple[TapRecord, list[Tensor], Tensor]:
    """A run of Euler steps on these tokens: its record, choices by skipped step, and the picture [1, n, C]."""
    run = TapRun(settings, shifted_sigmas(STEPS), "toy")
    x, choices = noise((1, TOKENS, CHANNELS), 3, torch.float32)[:, tokens], []
    for sigma, after in zip(run.timeline.sigmas, run.timeline.sigmas[1:], strict=False):
        run.begin(sigma, x.device, x)
        probe, slope = (1 + sigma) * x.sin(), (3 * x + 2 * sigma).tanh()
        skips = run.decider.wants_skip and run.memory.can_forecast(["prompt"], *x.shape[:2])
        if skips:
            slope, choice = run.forecast("prompt", 0, probe)
            choices.append(choice.member)
        elif run.decider.wants_snapshot:
            run.remember("prompt", probe, slope)
        run.count_call(skips)
        run.finish(x, x - sigma * slope)
        x = x + slope * (after - sigma)
    return run.close(complete=True), choices, x


def run_of(settings: TapSettings, tokens: slice) -> Part:
    """The result of a run, without tensors."""
    record, choices, picture = sampled(settings, tokens)
    return {"full": record.full_steps, "skipped": record.skipped_steps, "says": record.fallbacks,
            "choice": [choice.tolist() for choice in choices], "target": picture.tolist()}


def cases() -> dict[str, TapSettings]:
    """Every pool and every schedule in a run, trust learned as by default."""
    made = {name: TapSettings(given_pool=settings) for name, settings in pools().items()}
    return made | {name: TapSettings(given_schedule=kind) for name, kind in schedules().items()}


def part_of_a_run(rank: int) -> dict[str, Part]:
    """All cases, in one of the processes."""
    return {name: run_of(settings, tokens_of(rank)) for name, settings in cases().items()}


def part_of_a_step(rank: int) -> dict[str, Part | None]:
    """A forecast of every pool, in one of the processes; None where the pool gives none."""
    return {name: _or_none(settings, tokens_of(rank)) for name, settings in pools().items()}


def check_steps() -> None:
    """Pools that are declared local forecast each token as a single process does, and no other pool does."""
    whole = {name: forecast(settings, WHOLE) for name, settings in pools().items()}
    parts = in_two_processes(part_of_a_step)
    same = {name for name in whole if all(part[name] for part in parts) and _same(whole[name], parts, name)}
    assert same == {name for name, settings in pools().items() if is_declared_local(settings)}


def check_runs() -> None:
    """Local options give the run of a single process; all others compute every step and say what to change."""
    whole = {name: run_of(settings, WHOLE) for name, settings in cases().items() if name not in not_local()}
    parts = in_two_processes(part_of_a_run)
    for name in cases():
        mine = [part[name] for part in parts]
        if name in not_local():
            assert all(not part["skipped"] and len(part["full"]) == STEPS for part in mine), name
            assert all("TAP Predictor Pool" in part["says"][0] or "TAP Schedule" in part["says"][0] for part in mine)
        else:
            assert whole[name]["skipped"] and all(part["full"] == whole[name]["full"] for part in mine), name
            assert all(not part["says"] for part in mine), mine[0]["says"]
            assert _same(whole[name], parts, name), name


def _or_none(settings: PoolSettings, tokens: slice) -> Part | None:
    try:
        return forecast(settings, tokens)
    except TapError:
        return None


def _same(whole: Part, parts: list[dict[str, Part]], name: str) -> bool:
    """Whether choices are equal, and forecasts equal to rounding."""
    for rank, part in enumerate(parts):
        choice, target = (torch.tensor(whole[key])[..., tokens_of(rank), :] if key == "target" else
                          torch.tensor(whole[key])[..., tokens_of(rank)] for key in ("choice", "target"))
        mine = part[name]
        if not choice.equal(torch.tensor(mine["choice"])):
            return False
        if not torch.allclose(target, torch.tensor(mine["target"]), rtol=1e-5, atol=1e-6):
            return False
    return True
