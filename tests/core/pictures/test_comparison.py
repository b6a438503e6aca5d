"""Two pictures compared: known values, an independent formula, and what cannot be compared."""

from __future__ import annotations

import math

import pytest
import torch
from PIL import Image
from tap_pack.tap_core.pictures.comparison import compare, why_not_comparable
from tap_pack.tap_core.pictures.comparison_words import SAME, comparison_words, figure_words, frame_words, verdict
from tap_pack.tap_core.pictures.difference_image import LEAST_SIDE, _lines, draw_difference, draw_why_not
from tap_pack.tap_core.pictures.difference_scale import DifferenceScale
from tap_pack.tap_core.pictures.palette import ramp_colours


def picture(seed: int = 0, count: int = 1, height: int = 40, width: int = 24) -> torch.Tensor:
    """Noise, [P, H, W, 3]."""
    return torch.rand(count, height, width, 3, generator=torch.Generator().manual_seed(seed))


def near(batch: torch.Tensor, by: float, seed: int = 9) -> torch.Tensor:
    """The batch with noise of this strength."""
    return batch + by * (picture(seed, *batch.shape[:3]) - 0.5)


def slow_ssim(one: torch.Tensor, other: torch.Tensor) -> float:
    """The published formula, window by window. one, other: [H, W, 3]."""
    line = torch.exp(-((torch.arange(11).double() - 5) ** 2) / 4.5)
    window = torch.outer(line, line) / line.sum() ** 2
    found = []
    for colour in range(3):
        for top in range(one.shape[0] - 10):
            for left in range(one.shape[1] - 10):
                x, y = (i[top : top + 11, left : left + 11, colour].double() for i in (one, other))
                a, b = (window * x).sum(), (window * y).sum()
                va, vb = (window * (x - a) ** 2).sum(), (window * (y - b) ** 2).sum()
                both = (window * (x - a) * (y - b)).sum()
                found.append((2 * a * b + 1e-4) * (2 * both + 9e-4) / ((a**2 + b**2 + 1e-4) * (va + vb + 9e-4)))
    return float(torch.stack(found).mean())


def test_psnr_of_a_known_error() -> None:
    flat = torch.full((1, 16, 16, 3), 0.5)
    assert compare(flat + 0.1, flat).psnr == pytest.approx(20.0, abs=1e-4)
    assert compare(flat + 0.01, flat).psnr == pytest.approx(40.0, abs=1e-3)


def test_ssim_is_the_published_formula() -> None:
    truth = picture(height=16, width=14)
    other = near(truth, 0.4)
    assert compare(other, truth).ssim == pytest.approx(slow_ssim(other[0], truth[0]), abs=1e-6)


@pytest.mark.parametrize("level", [0.0, 0.02, 0.5, 1.0])
def test_ssim_of_nearly_flat_pictures_is_exact_enough_for_its_three_digits(level: float) -> None:
    truth = (level + 0.02 * (picture(height=14, width=14) - 0.5)).clamp(0, 1)
    other = near(truth, 0.02).clamp(0, 1)
    assert compare(other, truth).ssim == pytest.approx(slow_ssim(other[0], truth[0]), abs=1e-4)


def test_equal_pictures_are_equal() -> None:
    found = compare(picture(), picture())
    assert math.isinf(found.psnr) and found.ssim == pytest.approx(1)
    assert comparison_words(found).lower() == f"{SAME}\nequal"


def test_a_video_has_one_error_and_a_psnr_a_frame() -> None:
    truth = picture(count=3)
    other = truth.clone()
    other[1] = near(truth[1:2], 0.5)[0]
    found = compare(other, truth)
    assert math.isinf(found.frames[0]) and math.isinf(found.frames[2])
    assert found.psnr == pytest.approx(found.frames[1] + 10 * math.log10(3))
    assert f"worst of 3 frames: 2, {found.frames[1]:.1f} dB" in comparison_words(found)


def test_one_picture_is_compared_with_every_frame() -> None:
    truth, video = picture(), near(picture(count=1).expand(4, -1, -1, -1), 0.2)
    assert why_not_comparable(video, truth) is None
    assert compare(video, truth) == compare(video, truth.expand(4, -1, -1, -1))


def test_alpha_and_precision_do_not_matter() -> None:
    truth, other = picture(), near(picture(), 0.3)
    alpha = torch.cat([other, torch.zeros_like(other[..., :1])], -1)
    assert compare(alpha, truth) == compare(other, truth)
    assert compare(other.half(), truth.half()).psnr == pytest.approx(compare(other, truth).psnr, abs=0.05)


def test_below_the_window_there_is_no_ssim() -> None:
    small = picture(height=10, width=30)
    found = compare(near(small, 0.2), small)
    assert found.ssim is None
    assert "SSIM" not in comparison_words(found)


def test_words_name_the_floor() -> None:
    truth = picture()
    found, floor = compare(near(truth, 0.01), truth), compare(picture(5), truth)
    words = figure_words(found, floor)
    assert words == (f"{found.psnr:.1f} dB PSNR, SSIM {found.ssim:.3f}; "
                     f"another seed: {floor.psnr:.1f} dB, {floor.ssim:.3f}")


@pytest.mark.parametrize(("one", "other", "said"), [
    (picture(), picture(width=32), "picture is 24 x 40 and reference is 32 x 40 pixels"),
    (picture(count=3), picture(count=2), "picture has 3 frames and reference has 2"),
    (picture()[:0], picture(), "holds 0"),
    (picture() / 0, picture(), "not numbers"),
])
def test_what_cannot_be_compared_gets_a_sentence(one: torch.Tensor, other: torch.Tensor, said: str) -> None:
    assert said in why_not_comparable(one, other)
    frame = draw_why_not(why_not_comparable(one, other))
    assert frame.shape[0] == 1 and frame.std() > 0


@pytest.mark.parametrize(("by", "said"), [
    (0.005, "No difference to be seen"), (0.02, "Small differences in detail"),
    (0.05, "The same picture, drawn differently"), (0.2, "Another picture"),
])
def test_the_verdict_comes_first_and_has_the_words_of_closeness(by: float, said: str) -> None:
    flat = torch.full((1, 16, 16, 3), 0.5)
    found = compare(flat + by, flat)
    assert verdict(found) == said
    assert comparison_words(found).split("\n") == [said, figure_words(found)]


def test_frames_with_longer_and_shorter_words_are_of_one_size() -> None:
    truth = torch.full((12, 2560, 16, 3), 0.5)
    made = truth.clone()
    made[0] += 0.1
    found = compare(made, truth)
    drawn = draw_difference(made, truth, found, comparison_words(found), DifferenceScale())
    lengths = [len(_lines(frame_words(found, number), Image.new("RGB", (16, 2560)))) for number in (0, 1)]
    assert len(drawn) == 12 and lengths[0] < lengths[1], "the frames' words have to differ in length here"


def test_the_closer_picture_never_has_the_brighter_map() -> None:
    """Maps side by side share their scale, from a difference nobody sees to half of the range."""
    truth = torch.full((1, LEAST_SIDE, LEAST_SIDE, 3), 0.25)
    strengths = [0.0, 0.002, 0.006, 0.02, 0.06, 0.2, 0.6]
    maps = []
    for by in strengths:
        other = truth + by
        maps.append(draw_difference(other, truth, compare(other, truth), "", DifferenceScale())[0])
    middles = [float(drawn[drawn.shape[0] // 2, drawn.shape[1] // 2].sum()) for drawn in maps]
    assert middles[0] == middles[1] and middles == sorted(middles) and len(set(middles)) == len(middles) - 1
    ends = [drawn[-60:] for drawn in maps]
    assert all(torch.equal(end, ends[0]) for end in ends)


def test_the_scale_tells_its_marks() -> None:
    common, four = DifferenceScale(), DifferenceScale(4)
    for scale in (common, four):
        for share, words in scale.ticks[1:]:
            assert float(scale.shares(torch.tensor([float(words.rstrip("+")) / 255]))) == pytest.approx(share, abs=0.01)
    assert "x 4" in four.words and "same amplify" in four.words


def test_the_map_is_the_difference() -> None:
    truth = torch.full((2, LEAST_SIDE, LEAST_SIDE, 3), 0.5)
    other = truth.clone()
    other[1, 100:110, 200:210, 1] += 0.1
    frames = draw_difference(other, truth, compare(other, truth), "words", DifferenceScale(10))
    assert frames.shape[0] == 2 and frames.shape[1] % 2 == frames.shape[2] % 2 == 0
    changed = (frames[1] - frames[0]).abs().sum(-1) > 0
    yellow = torch.tensor(ramp_colours(2)[1]) / 255
    places = torch.nonzero((frames[1] == yellow).all(-1) & changed)
    assert len(places) == 100
    assert places[-1].tolist() == [places[0, 0] + 9, places[0, 1] + 9]


def test_pictures_of_other_kinds_are_not_compared() -> None:
    grey, colour, masked = (torch.rand(1, 12, 12, channels) for channels in (1, 3, 4))
    assert "1 and reference 3 colours" in why_not_comparable(grey, colour)
    assert why_not_comparable(masked, colour) is None
