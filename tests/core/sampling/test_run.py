"""A sampling run from the first evaluation to the last, on a model that is arithmetic."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from itertools import pairwise

import pytest
import torch
from tap_pack.tap_core.record.record import TapRecord
from tap_pack.tap_core.sampling.run import TapRun
from tap_pack.tap_core.sampling.settings import TapSettings
from torch import Tensor

from trajectories import even_timeline, noise, polynomial, shifted_sigmas

CPU = torch.device("cpu")
SIGMAS = even_timeline(20).sigmas
TOKEN_BYTES = 16 * 4
# Four slopes of one number, by which closeness is known.
LATENT_BYTES = 4 * 4


def paper(**changes: object) -> TapSettings:
    """The paper's method, independent of the defaults."""
    return TapSettings(**{"placement": "paper", "correction": "off", "target": "residual", **changes})


def probe_at(position: float, batch: int = 1, tokens: int = 6) -> Tensor:
    """A straight trajectory, so that every skipped step can be forecast exactly."""
    start, slope = (noise((4, 8, 16), i, torch.float32)[:batch, :tokens] for i in range(2))
    return polynomial([start, 0.1 * slope], even_timeline(20))(position)


class Model:
    """Counts what is computed in full; its target is twice its probe."""

    def __init__(self, run: TapRun) -> None:
        self.run, self.computed, self.errors = run, 0, []

    def evaluate(self, sigma: float, keys: Iterable[str] = ("positive",), batch: int = 1, tokens: int = 6) -> None:
        """One model evaluation with one call for each condition."""
        run = self.run
        run.begin(sigma, CPU)
        position = run.record.evaluations[-1].position
        for condition, key in enumerate(keys):
            probe = probe_at(position, batch, tokens)
            skips, choices = run.decider.wants_skip and run.memory.can_forecast([key], batch, tokens), []
            if skips:
                target, chosen = run.forecast(key, condition, probe)
                choices.append(chosen)
                self.errors.append((target - 2 * probe).abs().max().item())
            else:
                self.computed += 1
                if run.decider.wants_snapshot:
                    run.remember(key, probe, 2 * probe)
            run.count_call(skips, "" if skips or not run.decider.wants_skip else "no history", choices)
        run.finish(torch.zeros(1), torch.zeros(1))


def sample(sigmas: Iterable[float], settings: TapSettings | None = None) -> tuple[Model, TapRecord]:
    """A run that evaluates at these sigmas over twenty steps."""
    model = Model(TapRun(settings or paper(), SIGMAS, "toy"))
    for sigma in sigmas:
        model.evaluate(sigma)
    return model, model.run.close(complete=True)


@pytest.mark.parametrize("axis", ["step", "sigma"])
def test_full_and_skipped_steps_follow_the_schedule_and_the_forecasts_are_right(axis: str) -> None:
    model, record = sample(SIGMAS[:-1], paper(time_axis=axis))
    assert record.full_steps == [0, 1, 2, 7, 12, 17]
    assert record.skipped_steps == [step for step in range(20) if step not in record.full_steps]
    assert model.computed == 6
    assert max(model.errors) < 1e-4
    assert (record.complete, record.fallbacks) == (True, [])


def test_interval_one_computes_and_keeps_everything_as_it_is() -> None:
    model, record = sample(SIGMAS[:-1], paper(interval=1))
    assert (model.computed, record.skipped_steps, record.cache_bytes) == (20, [], 0)


@pytest.mark.parametrize(("orders", "kept"), [("0", 1), ("0,1", 2), ("0,1,2", 3), ("3", 4)])
def test_as_many_snapshots_are_kept_as_the_highest_order_needs(orders: str, kept: int) -> None:
    run = TapRun(paper(orders=orders), SIGMAS, "toy")
    model = Model(run)
    for sigma in SIGMAS[:-1]:
        model.evaluate(sigma)
    assert len(run.memory.histories["positive"].snapshots) == kept
    assert run.close(True).cache_bytes == kept * 2 * 6 * TOKEN_BYTES + LATENT_BYTES


def test_history_holds_the_full_steps_that_taylorseer_would_use() -> None:
    run = TapRun(paper(), SIGMAS, "toy")
    model, seen = Model(run), {}
    for step, sigma in enumerate(SIGMAS[:-1]):
        model.evaluate(sigma)
        seen[step] = list(run.memory.histories["positive"].positions) if run.memory.histories else []
    assert (seen[0], seen[1], seen[2]) == ([], [1], [2, 1])
    assert (seen[7], seen[12], seen[17]) == ([7, 2, 1], [12, 7, 2], [17, 12, 7])


def test_heun_computes_each_full_step_twice_and_remembers_it_once() -> None:
    asked = [SIGMAS[0]] + [s for s in SIGMAS[1:-1] for _ in range(2)]
    model, record = sample(asked)
    assert record.full_steps == [0, 1, 2, 7, 12, 17]
    assert model.computed == 1 + 2 * 5
    assert max(model.errors) < 1e-4


def test_dpm_2_follows_its_step_between_two_steps() -> None:
    asked = [s for a, b in pairwise(SIGMAS[:-1]) for s in (a, (a + b) / 2)]
    model, record = sample(asked)
    assert record.full_steps == [0, 1, 2, 7, 12, 17]
    assert model.computed == 2 * 6
    full = [e.position for e in record.evaluations if e.full]
    assert full == pytest.approx([step + half for step in record.full_steps for half in (0, 0.5)])
    assert max(model.errors) < 1e-3


def test_each_condition_has_a_history_of_its_own() -> None:
    model = Model(TapRun(paper(), SIGMAS, "toy"))
    for sigma in SIGMAS[:-1]:
        model.evaluate(sigma, ("positive", "negative"))
    assert set(model.run.memory.histories) == {"positive", "negative"}
    assert model.run.memory.histories["positive"] is not model.run.memory.histories["negative"]
    record = model.run.close(True)
    assert [c.condition for e in record.evaluations for c in e.choices] == [0, 1] * 14
    assert record.cache_bytes == 2 * 3 * 2 * 6 * TOKEN_BYTES + LATENT_BYTES


@pytest.mark.parametrize("change", [{"batch": 2}, {"tokens": 8}])
def test_another_shape_starts_a_fresh_history(change: dict[str, int]) -> None:
    model = Model(TapRun(paper(), SIGMAS, "toy"))
    for sigma in SIGMAS[:5]:
        model.evaluate(sigma)
    assert model.computed == 3
    model.evaluate(SIGMAS[5], **change)
    assert model.computed == 4
    assert model.run.memory.histories["positive"].positions == [5]
    assert model.run.record.evaluations[-1].reason == "no history"
    model.evaluate(SIGMAS[6], **change)
    assert model.computed == 4


def test_falling_back_computes_the_rest_and_says_why_once(caplog: pytest.LogCaptureFixture) -> None:
    model = Model(TapRun(paper(), SIGMAS, "toy"))
    for sigma in SIGMAS[:4]:
        model.evaluate(sigma)
    with caplog.at_level(logging.WARNING, "tap"):
        model.run.notes.fall_back("the capture did not fire")
        model.run.notes.fall_back("another reason")
        model.run.notes.note("the capture did not fire")
    for sigma in SIGMAS[4:-1]:
        model.evaluate(sigma)
    assert model.run.memory.histories == {}
    assert model.run.close(True).fallbacks == ["the capture did not fire"]
    assert model.computed == 3 + 16
    assert [r.getMessage() for r in caplog.records] == ["TAP: the capture did not fire"]


def test_closing_frees_the_histories_and_keeps_the_maps() -> None:
    model, record = sample(SIGMAS[:-1])
    assert model.run.memory.histories == {}
    shown = [choice for e in record.evaluations for choice in e.choices]
    assert len(shown) == 14
    assert all(c.member.shape == c.order.shape == c.loss.shape == (1, 6) for c in shown)
    assert sum(record.predictor_shares.values()) == pytest.approx(1)


def test_a_run_that_is_stopped_within_an_evaluation_still_closes() -> None:
    run = TapRun(paper(), SIGMAS, "toy")
    Model(run).evaluate(SIGMAS[0])
    run.begin(SIGMAS[1], CPU)
    record = run.close(complete=False)
    assert (record.complete, len(record.evaluations)) == (False, 1)


def test_snapshots_kept_on_the_cpu_give_the_same_forecast() -> None:
    on_gpu, on_cpu = (sample(SIGMAS[:-1], paper(cache_device=device))[0].errors for device in ("gpu", "cpu"))
    assert on_gpu == on_cpu


def test_the_order_that_is_shown_is_the_one_that_the_history_allows() -> None:
    _, record = sample(SIGMAS[:-1], paper(orders="3", warmup_steps=1, interval=4))
    shown = {e.step: int(e.choices[0].order.max()) for e in record.evaluations if e.choices}
    assert (shown[1], shown[5], shown[9], shown[13]) == (0, 1, 2, 3)


def test_every_step_of_a_shifted_schedule_is_found() -> None:
    model = Model(TapRun(paper(), shifted_sigmas(50), "toy"))
    for sigma in shifted_sigmas(50)[:-1]:
        model.evaluate(float(torch.tensor(sigma)))
    assert [e.position for e in model.run.record.evaluations] == list(range(50))
    assert model.computed == 12


def test_a_sampler_that_passes_over_its_sigmas_is_computed_in_full() -> None:
    asked = [SIGMAS[0], SIGMAS[0] * 0.99, 0.931, 0.872, 0.79, 0.61, 0.33, 0.02]
    model, record = sample(asked)
    assert model.computed == len(asked)
    (reason,) = record.fallbacks
    assert "chooses its own steps" in reason


def test_a_plateau_of_sigmas_is_not_passed_over() -> None:
    run = TapRun(paper(), [1.0, 0.9, 0.9, 0.9, 0.8, 0.5, 0.0], "toy")
    model = Model(run)
    for sigma in (1.0, 0.9, 0.9, 0.9, 0.8, 0.5):
        model.evaluate(sigma)
    assert run.close(True).fallbacks == []


@pytest.mark.parametrize(("steps", "said"), [(2, True), (3, True), (20, False)])
def test_too_few_steps_are_named(steps: int, said: bool) -> None:
    run = TapRun(paper(), even_timeline(steps).sigmas, "toy")
    assert any("too few" in reason for reason in run.record.fallbacks) is said
    assert TapRun(paper(interval=1), even_timeline(steps).sigmas, "toy").record.fallbacks == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("part", ["probe", "target"])
def test_what_is_not_a_number_is_dropped_and_the_next_step_computed(part: str, value: float) -> None:
    run = TapRun(paper(), SIGMAS, "toy")
    model = Model(run)
    for sigma in SIGMAS[:2]:
        model.evaluate(sigma)
    run.begin(SIGMAS[2], CPU)
    shown = {"probe": probe_at(2), "target": 2 * probe_at(2)}
    shown[part][0, 0, 0] = value
    run.remember("positive", **shown)
    run.count_call(skipped=False)
    run.finish(torch.zeros(1), torch.zeros(1))
    model.evaluate(SIGMAS[3])
    assert [e.full for e in run.record.evaluations] == [True] * 4
    (reason,) = run.record.fallbacks
    assert "not numbers" in reason
    model.evaluate(SIGMAS[4])
    assert not run.record.evaluations[-1].full
    assert run.memory.histories["positive"].positions == [3.0]


def test_a_condition_that_full_steps_no_longer_have_is_forgotten_snapshot_by_snapshot() -> None:
    run = TapRun(paper(), SIGMAS, "toy")
    model, held = Model(run), {}
    for step, sigma in enumerate(SIGMAS[:18]):
        model.evaluate(sigma, ("positive", "second pass") if step < 4 else ("positive",))
        held[step] = len(run.memory.histories["second pass"].snapshots if "second pass" in run.memory.histories else ())
    assert [step for step in held if run.record.evaluations[step].full] == [0, 1, 2, 7, 12, 17]
    assert [held[step] for step in (2, 6, 7, 12, 17)] == [2, 2, 2, 1, 0]
    assert set(run.memory.histories) == {"positive"}


@pytest.mark.parametrize("first", [0, 1])
def test_a_pass_on_every_second_step_is_forecast(first: int) -> None:
    run = TapRun(paper(), SIGMAS, "toy")
    model = Model(run)
    for step, sigma in enumerate(SIGMAS[:20]):
        model.evaluate(sigma, ("positive", "third pass") if step % 2 == first else ("positive",))
    record = run.close(True)
    assert [e.step for e in record.evaluations if e.full] == [0, 1, 2, 7, 12, 17]
    assert record.fallbacks == []


def test_nothing_is_remembered_at_sigma_0() -> None:
    run = TapRun(paper(), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0], "toy")
    run.begin(0.0, CPU)
    assert not run.decider.wants_snapshot
    run.finish(torch.zeros(1), torch.zeros(1))
    run.begin(0.2, CPU)
    assert run.decider.wants_snapshot


def test_calls_of_one_evaluation_may_run_in_threads() -> None:
    model = Model(TapRun(paper(), SIGMAS, "toy"))
    run = model.run
    for sigma in SIGMAS[:8]:
        run.begin(sigma, CPU)
        probe = probe_at(run.record.evaluations[-1].position)

        def call(key: str, probe: torch.Tensor = probe) -> None:
            if run.decider.wants_skip and run.memory.can_forecast([key], 1, 6):
                _, choices = run.forecast(key, 0, probe)
                run.count_call(True, choices=[choices])
            else:
                run.remember(key, probe, 2 * probe)
                run.count_call(False)

        threads = [threading.Thread(target=call, args=(name,)) for name in "abcd"]
        _ = [thread.start() for thread in threads], [thread.join() for thread in threads]
        run.finish(torch.zeros(1), torch.zeros(1))
    record = run.close(True)
    assert {e.full_calls + e.skipped_calls for e in record.evaluations} == {4}
    assert all(len(e.choices) == e.skipped_calls for e in record.evaluations)
    assert record.fallbacks == []
