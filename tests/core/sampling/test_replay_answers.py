"""What a replay answers at each evaluation, and between which full evaluations it interpolates."""

from __future__ import annotations

import math
from statistics import mean

import pytest
import torch
from tap_pack.tap_core.noise_level import log_noise
from tap_pack.tap_core.predictors.lagrange import lagrange
from tap_pack.tap_core.sampling import still_share
from tap_pack.tap_core.sampling.replay import Replay
from torch import Tensor

from trajectories import noise


def fed(*evaluations: tuple[float, bool]) -> Replay:
    """A replay that was told evaluations (sigma, full). All have the slope 1: denoised is x - sigma."""
    replay = Replay(True, 1.0)
    for sigma, full in evaluations:
        replay.add(x_at(sigma), x_at(sigma) - sigma, sigma, full)
    return replay


def x_at(sigma: float) -> Tensor:
    return torch.full((1, 2), 3 + sigma, dtype=torch.float64)


@pytest.mark.parametrize(("renewed", "left"), [(None, 1.0), (0.0, 1.0), (0.125, 0.5), (0.25, 0.0), (1.0, 0.0)])
def test_what_fresh_noise_has_buried_is_not_repaid(renewed: float | None, left: float) -> None:
    """Pictures 0, then 5 forecast in place of 1 and 2, then 3: equal distances in log-noise."""
    replay, x = Replay(True, 1.0), torch.zeros(1, 2)
    replay.noisy = True
    sigmas = [1 / (1 + math.exp(place)) for place in range(4)]
    share = None if renewed is None else torch.tensor(renewed)
    for sigma, picture in zip(sigmas, (0.0, 5.0, 5.0, 3.0), strict=True):
        replay.add(x, torch.full((1, 2), picture), sigma, picture != 5, share)
    answers = [replay.answer(index, x)[0, 0].item() for index in (1, 2)]
    assert mean(answers) == pytest.approx(5 - left * 3.5, abs=0.15)
    assert answers[0] < answers[1] if left else answers == pytest.approx([5, 5])


@pytest.mark.parametrize("mixed", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_at_an_unchanged_x_a_full_step_answers_what_the_model_gave(mixed: bool, dtype: torch.dtype) -> None:
    replay, given = Replay(mixed, 1.0), []
    for number in range(12):
        x, denoised = noise((2, 4, 3, 5), number, dtype), noise((2, 4, 3, 5), 50 + number, dtype)
        given.append((x, denoised))
        replay.add(x, denoised, 1 - number / 12, number % 4 == 0)
    for number in (0, 4, 8):
        x, denoised = given[number]
        answer = replay.answer(number, x)
        assert torch.equal(answer, denoised) and answer.dtype == dtype
    replay.answer(5, given[5][0]).zero_()  # an answer is the sampler's own


@pytest.mark.parametrize(("mixed", "still", "share"), [
    (True, 0.0, 1.0), (True, 0.5, 0.5), (True, 1.0, 0.0), (False, 0.0, 1 / 1.7), (False, 0.5, 0.5 / 1.7),
])
def test_an_answer_follows_x_as_far_as_the_picture_does_not_stay_still(
    mixed: bool, still: float, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """share: of the move of x, in the answer. Where noise is added to the picture, the mix moves 1 / (1 + sigma) of it.
    """
    monkeypatch.setattr(still_share, "STILL_SHARE", still)
    replay, x, moved = Replay(mixed, 1.0), noise((1, 6), 0), noise((1, 6), 1)
    replay.add(x, 0.3 * x, 0.7, True)
    torch.testing.assert_close(replay.answer(0, x + moved) - 0.3 * x, share * moved)


@pytest.mark.parametrize("noisy", [False, True])
def test_where_noise_is_added_to_the_picture_all_is_as_for_the_mix_that_x_stands_for(noisy: bool) -> None:
    mixed, added = Replay(True, 3.0), Replay(False, 3.0)
    mixed.noisy = added.noisy = noisy
    levels = [0.95, 0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.2]
    for number, level in enumerate(levels):
        x, denoised = noise((2, 6), number), noise((2, 6), 50 + number)
        again = [replay.add(x / share, denoised, level / share, number in (0, 1, 4, 7))
                 for replay, share in ((mixed, 1.0), (added, 1 - level))]
        assert again[0] == again[1]
    for number, level in enumerate(levels):
        x = noise((2, 6), 80 + number)
        torch.testing.assert_close(added.answer(number, x / (1 - level)), mixed.answer(number, x))


def test_a_slope_ahead_of_the_way_moves_no_more_than_its_step_bears() -> None:
    """A Heun step from 0.2 to 0.001 takes half of that slope over the whole step."""
    replay = Replay(True, 1.0)
    evaluations = [(0.4, 0.0), (0.2, 0.0), (0.2, 0.0), (0.001, 0.0), (0.001, 0.0)]
    for sigma, picture in evaluations:
        replay.add(torch.full((1, 2), sigma), torch.full((1, 2), picture), sigma, True)
    drift = 0.01
    slopes = [(x - replay.answer(index, torch.full((1, 2), x))[0, 0].item()) / sigma
              for index, (sigma, x) in enumerate((sigma, sigma + drift) for sigma, _ in evaluations)]
    assert abs(slopes[3] - 1) * 0.2 / 2 < drift  # ahead: the end of the step is as far off as its start, no more
    assert slopes[4] - 1 == pytest.approx(0.5 * drift / 0.001, rel=1e-4)  # on the way: x stays still by half
    assert slopes[1] - 1 == pytest.approx(0.5 * drift / 0.2, rel=1e-4)


def test_evaluations_ahead_of_the_way_are_no_nodes() -> None:
    """Heun's method with two steps ahead comes back at once: only what lies behind it is interpolated."""
    replay = Replay(True, 1.0)
    for sigma, full, slope in ((1.0, True, 1), (0.8, True, 1), (0.4, True, 9), (0.6, False, 1), (0.5, False, 1),
                               (0.6, True, 1)):
        again = replay.add(x_at(sigma), x_at(sigma) - slope * sigma, sigma, full)
    assert again
    for number, sigma in ((3, 0.6), (4, 0.5)):
        torch.testing.assert_close(replay.answer(number, x_at(sigma)), x_at(sigma) - sigma)


def test_between_full_steps_slopes_are_interpolated_over_log_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    replay, slopes = Replay(True, 1.0), {sigma: noise((1, 6), round(10 * sigma)) for sigma in (0.9, 0.8, 0.4)}
    for sigma in (0.9, 0.8, 0.6, 0.4):
        x = noise((1, 6), 7)
        again = replay.add(x, x - sigma * slopes.get(sigma, x), sigma, sigma != 0.6)
    assert again
    shares = lagrange([log_noise(sigma, True) for sigma in slopes], log_noise(0.6, True))
    slope = sum(share * slope for share, slope in zip(shares, slopes.values(), strict=True))
    x = noise((1, 6), 9)
    torch.testing.assert_close(replay.answer(2, x), x - 0.6 * slope)


def test_of_two_full_evaluations_at_the_same_sigma_the_newest_counts() -> None:
    replay = fed((1.0, True), (0.9, True), (0.8, True))
    for sigma, full in ((0.6, True), (0.6, True), (0.5, False), (0.5, False), (0.4, True)):
        slope = 2 if replay.known == 3 else 1
        again = replay.add(x_at(sigma), x_at(sigma) - slope * sigma, sigma, full)
    assert again
    for number in (5, 6):
        torch.testing.assert_close(replay.answer(number, x_at(0.5)), x_at(0.5) - 0.5)


@pytest.mark.parametrize(("jump", "steps"), [(5.0, 0), (0.1, 1)], ids=["jump", "small change"])
def test_where_conditions_change_slopes_are_interpolated_on_each_side_alone(jump: float, steps: int) -> None:
    """Full steps of slope 1, then of one that is larger by `jump`; 9 is forecast. steps: that go on over the change."""
    replay, wrong, given = Replay(True, 1.0), 9.0, (1.0, 1.0, 9.0, 1 + jump, 9.0, 1 + jump)
    paid = []
    for number, (sigma, slope) in enumerate(zip((0.9, 0.8, 0.6, 0.5, 0.3, 0.2), given, strict=True)):
        if number == 3:
            replay.breaks()
        paid.append(replay.add(x_at(sigma), x_at(sigma) - sigma * slope, sigma, slope != wrong))
    x = x_at(0.6)
    across, behind = (((x - replay.answer(index, x)) / sigma)[0, 0].item() for index, sigma in ((2, 0.6), (4, 0.3)))
    assert paid == [False, False, False, bool(steps), False, True]
    assert (across == pytest.approx(wrong)) != bool(steps)
    assert behind == pytest.approx(1 + jump, abs=0.02 if steps else 1e-9)


def test_at_sigma_0_there_is_no_slope() -> None:
    replay = fed((1.0, True), (0.9, True), (0.7, False), (0.5, True))
    denoised = noise((1, 2), 3)
    assert not replay.add(x_at(0), denoised, 0.0, True)
    assert torch.equal(replay.answer(4, x_at(0)), denoised)
    for sigma, full in ((0.4, True), (0.3, False), (0.2, True)):
        again = replay.add(x_at(sigma), x_at(sigma) - sigma, sigma, full)
    assert again
    torch.testing.assert_close(replay.answer(6, x_at(0.3)), x_at(0.3) - 0.3)


@pytest.mark.parametrize("evaluations", [
    [(1.0, False), (0.95, False), (0.9, True)],
    [(0.9, True), (0.7, False), (0.6, False), (0.9, True)],
    [(1.1, True), (1.07, False), (1.03, False), (1.01, True)],  # over log-noise all above 1 is one place
    [(0.9, True), (0.7, True), (0.4, False), (0.2, False), (0.0, True)],
], ids=["at the start", "up again to the same sigma", "above sigma 1", "before sigma 0"])
def test_a_gap_between_fewer_than_two_places_is_answered(evaluations: list[tuple[float, bool]]) -> None:
    replay = fed(*evaluations, (0.3, True), (0.2, False), (0.1, True))
    for number, (sigma, _) in enumerate(evaluations):
        torch.testing.assert_close(replay.answer(number, x_at(sigma)), x_at(sigma) - sigma)


def test_a_skipped_evaluation_at_sigma_0_spoils_nothing() -> None:
    replay = fed((1.0, True), (0.9, True), (0.8, False), (0.7, True), (0.6, False), (0.0, False), (0.5, True))
    assert replay.answer(4, x_at(0.6)).isfinite().all()
