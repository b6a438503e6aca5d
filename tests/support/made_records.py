"""Records without a run: known choices for every token, to test everything that is made from records."""

from __future__ import annotations

import torch
from tap_pack.tap_core.record.record import CandidateName, Evaluation, TapRecord, TokenChoices, candidate_names
from tap_pack.tap_core.sampling.settings import TapSettings

WARMUP, INTERVAL = 2, 3


def choices_of(member: torch.Tensor, names: list[CandidateName], condition: int = 0) -> TokenChoices:
    """Choices [B, N] of these pool members, at their own orders, with losses that differ from token to token."""
    orders = torch.tensor([name.order for name in names], dtype=torch.int8)
    loss = torch.logspace(-6, -1, member.numel()).view(member.shape)
    return TokenChoices(condition, member.to(torch.int16), orders[member.long()], loss)


def made_record(
    steps: int = 10,
    grid: tuple[int, int, int] = (1, 3, 5),
    batch: int = 1,
    conditions: tuple[int, ...] = (0,),
    pool: TapSettings | None = None,
) -> TapRecord:
    """A run with two warm-up steps and then one full step in three; random choices from the whole pool."""
    names = candidate_names((pool or TapSettings()).pool().members)
    tokens, generator = grid[0] * grid[1] * grid[2], torch.Generator().manual_seed(5)
    record = TapRecord(
        model="Flux", settings={"interval": INTERVAL, "warmup_steps": WARMUP, "orders": "0,1,2"},
        sigmas=[1 - i / steps for i in range(steps + 1)], candidates=names, grid=grid,
        seconds_total=1.5, cache_bytes=2_500_000, complete=True,
    )
    for step in range(steps):
        full = step < WARMUP or (step - WARMUP + 1) % INTERVAL == 0
        evaluation = Evaluation(float(step), record.sigmas[step], seconds=0.1 if full else 0.01)
        if full:
            evaluation.full_calls, evaluation.reason = 1, "warm-up" if step < WARMUP else "interval"
        else:
            evaluation.skipped_calls = 1
            for condition in conditions:
                member = torch.randint(0, len(names), (batch, tokens), generator=generator)
                evaluation.choices.append(choices_of(member, names, condition))
        record.evaluations.append(evaluation)
    return record


def full_record(steps: int = 4, reason: str = "warm-up", **settings: object) -> TapRecord:
    """A run in which every step was computed."""
    sigmas = [1 - i / steps for i in range(steps + 1)]
    record = TapRecord(model="Flux", settings=dict(settings), sigmas=sigmas, complete=True)
    for step in range(steps):
        record.evaluations.append(Evaluation(float(step), record.sigmas[step], reason, full_calls=1, seconds=0.1))
    return record
