"""TAP Compare as ComfyUI runs it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import comfy.model_management
import folder_paths
import numpy as np
import pytest
import torch
from PIL import Image
from tap_pack.nodes import compare
from tap_pack.nodes.compare import TapCompare
from tap_pack.tap_core.closeness import Closeness
from tap_pack.tap_core.pictures.wipe_files import MOST_PAIRS, write_pairs
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.record.record import TapRecord

TRUTH = torch.rand(2, 24, 32, 3, generator=torch.Generator().manual_seed(1))


@pytest.fixture(autouse=True)
def temporary_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where previews go."""
    monkeypatch.setattr(folder_paths, "temp_directory", str(tmp_path))
    return tmp_path


def test_words_and_map_come_out_and_are_shown(temporary_pictures: Path) -> None:
    output = TapCompare.execute((TRUTH + 0.01).clamp(0, 1), TRUTH, other_seed=TRUTH.flip(0))
    words, frames = output.args
    assert "dB PSNR, SSIM 1.000; worst of 2 frames" in words and "another seed: " in words
    shown = json.loads(json.dumps(output.ui))
    assert shown["text"] == [words]
    assert len(shown["images"]) == len(frames) == 2
    assert all((temporary_pictures / image["subfolder"] / image["filename"]).is_file() for image in shown["images"])


def test_the_wipe_has_the_pictures_as_they_are_and_the_verdict_above(temporary_pictures: Path) -> None:
    close = (TRUTH[:1] + 0.01).clamp(0, 1).expand(2, -1, -1, -1)
    output = TapCompare.execute(close, TRUTH[:1])
    (told,) = output.ui["tap_compare"]
    assert f"{told['verdict']}\n{told['figures']}" == output.args[0]
    assert told["verdict"] == "No difference to be seen"
    assert len(told["pairs"]) == 2 and told["pairs"][0][1] == told["pairs"][1][1]
    for number, name in enumerate(pair[0]["filename"] for pair in told["pairs"]):
        with Image.open(temporary_pictures / "tap" / name) as picture:
            found = torch.from_numpy(np.array(picture)) / 255
        assert torch.allclose(found, close[number], atol=0.5 / 255 + 1e-6)


def test_a_long_video_gets_some_pairs_from_its_first_frame_to_its_last(temporary_pictures: Path) -> None:
    video = torch.rand(40, 4, 4, 3)
    names = write_pairs(video, video, temporary_pictures, "run")
    assert len(names) == MOST_PAIRS
    assert (names[0][0], names[-1][1]) == ("run_picture0.png", "run_reference39.png")


@pytest.mark.parametrize("inputs", [
    {"picture": TRUTH[:, :20]}, {"picture": torch.cat([TRUTH, TRUTH])}, {"picture": TRUTH, "other_seed": TRUTH[:, :9]},
])
def test_pictures_of_other_sizes_get_a_sentence(inputs: dict[str, torch.Tensor]) -> None:
    words, frames = TapCompare.execute(reference=TRUTH, **inputs).args
    assert words.endswith(".") and "reference" in words
    assert ("other_seed" in words) == ("other_seed" in inputs)
    assert len(frames) == 1
    (told,) = TapCompare.execute(reference=TRUTH, **inputs).ui["tap_compare"]
    assert told["verdict"] == words and told["figures"] == ""
    assert bool(told["pairs"]) == ("other_seed" in inputs)


def test_amplify_changes_the_map_and_not_the_figures() -> None:
    close = TRUTH + 0.002 * TRUTH.flip(0)
    weak, strong = (TapCompare.execute(close, TRUTH, amplify=factor).args for factor in (1, 400))
    assert weak[0] == strong[0]
    assert strong[1].mean() > weak[1].mean()


@pytest.mark.parametrize("other_seed", [None, TRUTH.flip(0)])
def test_the_bar_moves_with_every_frame_and_a_cancelled_prompt_ends_it(
    other_seed: torch.Tensor | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares: list[float] = []
    monkeypatch.setattr(compare, "progress_bar", lambda: shares.append)
    TapCompare.execute(TRUTH, TRUTH, other_seed=other_seed)
    rounds = 2 if other_seed is None else 3
    assert shares == [tick / (2 * rounds) for tick in range(1, 2 * rounds + 1)]
    monkeypatch.undo()
    comfy.model_management.interrupt_current_processing()
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        compare.compared(TRUTH, TRUTH, None, 0)


def told(decibels: float | None, frames: int = 1, part: bool = False, **settings: object) -> RecordHolder:
    """The record of a run that told how close its picture is."""
    holder = RecordHolder()
    record = TapRecord(model="Flux", settings=settings, grid=(frames, 2, 2), part_of_run=part)
    record.closeness = None if decibels is None else Closeness(decibels, decibels - 5, decibels + 18)
    holder.fill(record)
    return holder


def test_with_a_record_it_says_what_the_run_had_told_and_what_to_set() -> None:
    picture = TRUTH * 0.98  # 41 dB or so
    words = {name: TapCompare.execute(picture, TRUTH, record=record).args[0] for name, record in {
        "right": told(39.0), "low": told(25.0), "set": told(25.0, closer_than_told=20.0), "far": told(60.0),
        "nothing": told(None), "none": RecordHolder()}.items()}
    measured = float(re.search(r"([\d.]+) dB PSNR", words["none"])[1])
    assert words["right"].endswith(". TAP had told about 39 dB.") and 36 < measured < 42
    asks = "Compare 2 more seeds: if they are as far off, set closer_than_told to "
    assert words["low"].endswith(f"{asks}{0.6 * (measured - 25):.0f}.")
    assert words["set"].endswith(f"{asks}{20 + 0.6 * (measured - 25):.0f}.")
    assert words["far"].endswith(f"{asks}{measured - 60:.0f}.")
    assert "told" not in words["nothing"] + words["none"]
    assert "told" not in TapCompare.execute(TRUTH, TRUTH, record=told(39.0)).args[0]


def test_a_batch_is_held_against_its_least_close_picture_as_the_run_tells_that() -> None:
    reference = TRUTH[:1].repeat(4, 1, 1, 1)
    picture = reference.clone()
    picture[2] = picture[2] * 0.9
    worst = float(re.search(r"3, ([\d.]+) dB", TapCompare.execute(picture, reference).args[0])[1])
    batch, film, part = (TapCompare.execute(picture, reference, record=record).args[0] for record in (
        told(worst), told(worst, frames=4), told(10.0, part=True)))
    assert batch.endswith(f". TAP had told about {worst:.0f} dB.")
    assert film.endswith("set closer_than_told to 4.")  # three fifths of 10 lg 4: one of four frames of a film differs
    assert "told" not in part, "a part of a run tells of its own steps"


def test_where_the_setting_is_as_far_as_it_goes_it_is_not_asked_for() -> None:
    words = TapCompare.execute(TRUTH * 0.999, TRUTH, record=told(25.0, closer_than_told=30.0)).args[0]
    assert words.endswith(". TAP had told about 25 dB.")


def test_transparency_is_said_to_be_left_out() -> None:
    clear = torch.cat([TRUTH, torch.zeros_like(TRUTH[..., :1])], dim=-1)
    words = TapCompare.execute(clear, torch.cat([TRUTH, torch.ones_like(TRUTH[..., :1])], dim=-1)).args[0]
    assert words.endswith("equal. Transparency is not compared.")
    words = TapCompare.execute(clear * 0.98, clear, record=told(39.0)).args[0]
    assert words.endswith("told about 39 dB. Transparency is not compared.")


def test_the_schema_needs_two_pictures() -> None:
    schema = TapCompare.GET_SCHEMA()
    assert [(i.id, bool(i.optional)) for i in schema.inputs] == [
        ("picture", False), ("reference", False), ("other_seed", True), ("amplify", True),
        ("record", True)]
    assert schema.is_output_node


def test_after_three_pictures_it_says_what_the_middle_one_shows_and_gives_it_to_the_button() -> None:
    holder, said, given = told(25.0), [], []
    for share in (0.98, 0.995, 0.98, 0.99):  # about 38, 50, 38 and 44 dB
        holder.clear()
        holder.fill(told(25.0).latest)
        found = TapCompare.execute(TRUTH * share, TRUTH, record=holder)
        said.append(found.args[0])
        given.append(found.ui["tap_compare"][0]["closer_than_told"])
    first = float(re.search(r"([\d.]+) dB PSNR", said[0])[1]) - 25
    part = round(0.6 * first)
    assert said[1].endswith(f"Compare one more seed: if it is as far off, set closer_than_told to {part}.")
    assert given[:2] == [None, None] and given[2] == part
    assert said[2].endswith(f"Of the last 3 pictures the middle one was {first:.0f} dB closer than told: "
                            f"set closer_than_told to {part}, then compare again.")


def test_the_same_picture_counts_once_and_another_course_begins_anew() -> None:
    holder = told(25.0)
    words = [TapCompare.execute(TRUTH * 0.98, TRUTH, record=holder).args[0] for _ in range(3)]
    assert all("Compare 2 more seeds" in each for each in words)
    holder.clear()
    other = told(25.0).latest
    other.guidance = 4.0
    holder.fill(other)
    assert "Compare 2 more seeds" in TapCompare.execute(TRUTH * 0.98, TRUTH, record=holder).args[0]


def test_a_figure_at_its_limit_and_an_older_run_say_nothing_of_the_model() -> None:
    older = told(25.0)
    older.give_way("Another node is next.", "another prompt")
    for holder, decibels in ((told(27.0), 27), (told(8.0), 8), (older, 25)):
        words = TapCompare.execute(TRUTH * 0.98, TRUTH, record=holder).args[0]
        assert words.endswith(f". TAP had told about {decibels} dB.")


def test_two_nodes_that_compare_do_not_count_each_others_pictures() -> None:
    holder = told(25.0)
    assert len(compare.compared(TRUTH * 0.98, TRUTH, None, 0, holder, "7")[2].closer) == 1
    assert len(compare.compared(TRUTH * 0.5, TRUTH, None, 0, holder, "8")[2].closer) == 1
