"""What the viewer gets: every token's class in the index images, words and shares in the document."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tap_pack.tap_core.pictures.class_words import EASE_WORDS
from tap_pack.tap_core.pictures.map_layers import LAYERS, build_layer
from tap_pack.tap_core.pictures.viewer_data import message_data, viewer_data
from tap_pack.tap_core.pictures.viewer_files import MOST_PIXELS, write_viewer_files
from tap_pack.tap_core.pictures.viewer_legend import MOST_ENTRIES, percents_of_entries, viewer_entries
from tap_pack.tap_core.record.summary import why_nothing_skipped
from tap_pack.tap_core.sampling.settings import TapSettings

from made_records import full_record, made_record


def layer_of(document: dict, name: str) -> dict:
    """The part of a document about a layer."""
    return next(part for part in document["layers"] if part["name"] == name)


@pytest.mark.parametrize("name", LAYERS)
def test_every_token_of_every_step_is_in_the_image(name: str) -> None:
    record = made_record(steps=9, grid=(2, 3, 5), batch=2, conditions=(0, 1))
    data = viewer_data(record, "run")
    image, (frames, height, width) = data.images[name], record.grid
    blocks = image.view(-1, 2, frames, height, width)
    layer = build_layer(name, record)
    for condition, prompt in enumerate(data.document["prompts"]):
        for step, block in enumerate(prompt["blocks"]):
            chosen = [c for c in record.evaluations[step].choices if c.condition == condition]
            assert (block is None) == (not chosen)
            if chosen:
                expected = layer.classify(chosen[0]).view(2, frames, height, width)
                assert torch.equal(blocks[block].long(), expected)


def test_each_block_is_used_once() -> None:
    document = viewer_data(made_record(steps=9, conditions=(0, 1)), "run").document
    blocks = [block for prompt in document["prompts"] for block in prompt["blocks"] if block is not None]
    assert blocks == list(range(len(blocks)))
    assert all(len(layer["shares"]) == len(blocks) for layer in document["layers"])


@pytest.mark.parametrize("name", LAYERS)
def test_shares_count_the_tokens_of_the_image(name: str) -> None:
    data = viewer_data(made_record(steps=9, grid=(1, 4, 4), batch=2), "run")
    layer = layer_of(data.document, name)
    blocks = data.images[name].view(-1, 2, 16)
    for block, of_pictures in zip(blocks, layer["shares"], strict=True):
        for tokens, shares in zip(block, of_pictures, strict=True):
            found = [sum(int((tokens == c).sum()) for c in entry["classes"]) / 16 for entry in layer["entries"]]
            assert shares == pytest.approx(found, abs=1e-4)
            assert sum(shares) == pytest.approx(1, abs=1e-3)


def test_whole_percents_add_up_to_a_hundred_and_differ_from_the_shares_by_less_than_one() -> None:
    layer = build_layer("predictor", made_record())
    generator = torch.Generator().manual_seed(2)
    for _ in range(50):
        counts = torch.randint(0, 40, (len(layer.classes),), generator=generator)
        entries = viewer_entries(layer, "predictor", counts.tolist())
        percents = percents_of_entries(counts, entries)
        exact = [100 * int(counts[e.classes].sum()) / int(counts.sum()) for e in entries]
        assert sum(percents) == 100
        assert all(abs(percent - share) < 1 for percent, share in zip(percents, exact, strict=True))
    for part in viewer_data(made_record(steps=9, batch=2), "run").document["layers"]:
        assert all(sum(percents) == 100 for block in part["percents"] for percents in block)


def test_the_first_layer_is_the_artists_and_names_are_words_with_the_technical_one_behind() -> None:
    document = viewer_data(made_record(steps=9), "run").document
    assert [layer["tab"] for layer in document["layers"]] == ["Easy or hard", "Predictor", "Order", "Horizon"]
    assert [entry["label"] for entry in document["layers"][0]["entries"]] == list(EASE_WORDS)
    assert "follows the curve (taylor 2)" in layer_of(document, "predictor")["labels"]
    assert "follows the line, aims 2 steps short (taylor 1, k-2)" in layer_of(document, "predictor")["labels"]
    assert "repeats the last (reuse)" in layer_of(document, "horizon")["labels"]
    assert "aims at the step itself (k)" in layer_of(document, "horizon")["labels"]
    assert layer_of(document, "loss")["labels"][0].startswith("very easy to forecast (loss ")


def test_the_entries_of_a_layer_have_different_marks() -> None:
    for layer in viewer_data(made_record(steps=9), "run").document["layers"]:
        marks = [entry["mark"] for entry in layer["entries"]]
        assert len(set(marks)) == len(marks) <= MOST_ENTRIES
        assert all(marks)


def test_the_loss_is_in_bands_that_leave_no_level_out() -> None:
    document = viewer_data(made_record(steps=9), "run").document
    loss = layer_of(document, "loss")
    classes = [c for entry in loss["entries"][: len(EASE_WORDS)] for c in entry["classes"]]
    assert classes == list(range(loss["count"] - 1))


def test_a_large_pool_is_summed_up_in_the_legend_but_not_in_the_image() -> None:
    settings = TapSettings(orders="0,1,2,3", horizon_from=-8, horizon_to=4, horizon_step=0.5)
    record = made_record(steps=9, grid=(1, 30, 30), pool=settings)
    data = viewer_data(record, "run")
    layer = layer_of(data.document, "predictor")
    assert len(layer["entries"]) == MOST_ENTRIES
    assert layer["entries"][-1]["label"].endswith("others")
    assert len(data.images["predictor"].unique()) > MOST_ENTRIES


def test_steps_are_described_in_words() -> None:
    steps = viewer_data(made_record(steps=9), "run").document["steps"]
    assert [step["number"] for step in steps] == list(range(1, 10))
    assert steps[0]["kind"] == "full" and steps[0]["words"] == "computed step: warm-up"
    assert {step["kind"] for step in steps} == {"full", "skipped"}


def test_a_partly_computed_step_says_why() -> None:
    record = made_record(steps=9)
    partly = next(e for e in record.evaluations if not e.full)
    partly.full_calls, partly.reason = 1, "new condition or size"
    step = viewer_data(record, "run").document["steps"][partly.step]
    assert (step["kind"], step["words"]) == ("partly", "partly computed: new condition or size")


def test_a_run_without_skipped_steps_says_why_there_is_no_map() -> None:
    record = full_record(interval=1)
    assert viewer_data(record, "run").document["message"] == why_nothing_skipped(record)


def test_a_huge_run_is_cut_down_to_its_first_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tap_pack.tap_core.pictures.viewer_data.MOST_TOKENS", 100)
    document = viewer_data(made_record(steps=9, batch=3, conditions=(0, 1)), "run").document
    assert document["trimmed"] and document["batch"] == 1 and len(document["prompts"]) == 1


def test_the_files_hold_the_same_indices_and_name_their_run(tmp_path: Path) -> None:
    data = viewer_data(made_record(steps=9), "abc")
    document = json.loads((tmp_path / write_viewer_files(data, tmp_path)).read_text(encoding="utf-8"))
    assert document["run"] == "abc" and "pictures" not in document
    for layer in document["layers"]:
        with Image.open(tmp_path / layer["image"]) as image:
            assert image.info["tap-run"] == "abc"
            assert np.array_equal(np.asarray(image), data.images[layer["name"]].numpy())


def test_more_classes_than_a_byte_holds_take_sixteen_bits(tmp_path: Path) -> None:
    data = viewer_data(made_record(steps=9), "abc")
    wide = {name: image.int() + 300 for name, image in data.images.items()}
    document = json.loads((tmp_path / write_viewer_files(replace(data, images=wide), tmp_path)).read_text())
    with Image.open(tmp_path / layer_of(document, "predictor")["image"]) as image:
        assert np.array_equal(np.asarray(image), wide["predictor"].numpy())


def test_a_video_has_a_picture_for_each_frame_of_tokens(tmp_path: Path) -> None:
    data = viewer_data(made_record(steps=9, grid=(3, 2, 2)), "abc")
    document = json.loads((tmp_path / write_viewer_files(data, tmp_path, torch.rand(9, 8, 8, 3))).read_text())
    assert document["pictures"] == [["abc_picture0.webp", "abc_picture4.webp", "abc_picture8.webp"]]
    assert document["size"] == [8, 8]


def test_a_large_picture_is_made_smaller(tmp_path: Path) -> None:
    data = viewer_data(made_record(steps=9), "abc")
    write_viewer_files(data, tmp_path, torch.rand(1, 20, 2 * MOST_PIXELS, 3))
    with Image.open(tmp_path / "abc_picture0.webp") as picture:
        assert picture.size == (MOST_PIXELS, 10)


def test_a_message_is_a_document_of_its_own(tmp_path: Path) -> None:
    name = write_viewer_files(message_data("No run.", "abc"), tmp_path, torch.rand(1, 8, 8, 3))
    assert json.loads((tmp_path / name).read_text())["message"] == "No run."
    assert [file.name for file in tmp_path.iterdir()] == [name]
