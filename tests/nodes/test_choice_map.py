"""TAP Choice Map as ComfyUI runs it: the frames of the last run, or a sentence."""

from __future__ import annotations

from pathlib import Path

import folder_paths
import numpy as np
import pytest
import torch
from PIL import Image
from tap_pack.nodes.choice_map import TapChoiceMap
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.pictures.choice_image import MapOptions, draw_choice_map, draw_no_map
from tap_pack.tap_core.pictures.map_layers import LAYERS, build_layer
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.record.record import TapRecord
from tap_pack.tap_core.record.summary import why_nothing_skipped

from made_records import full_record, made_record

LATENT = {"samples": torch.zeros(1, 16, 6, 10)}


@pytest.fixture(autouse=True)
def temporary_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where previews go."""
    monkeypatch.setattr(folder_paths, "temp_directory", str(tmp_path))
    return tmp_path


def holding(record: TapRecord | None) -> RecordHolder:
    """The value of a TAP_RECORD output after this run."""
    holder = RecordHolder()
    if record is not None:
        holder.fill(record)
    return holder


def frames_of(record: TapRecord | None, **inputs: object) -> torch.Tensor:
    """The output of the node."""
    return TapChoiceMap.execute(record=holding(record), **{"after": LATENT, **inputs})[0]


def test_there_is_one_frame_for_each_step() -> None:
    frames = frames_of(made_record(steps=10))
    assert frames.shape[0] == 10 and frames.shape[3] == 3
    assert frames.dtype == torch.float32
    assert torch.equal(frames, draw_choice_map(made_record(steps=10), MapOptions()))


def test_the_previews_are_the_frames(temporary_pictures: Path) -> None:
    output = TapChoiceMap.execute(record=holding(made_record(steps=4)), after=LATENT)
    shown = output.ui.as_dict()["images"]
    assert len(shown) == 4
    for entry, frame in zip(shown, output[0], strict=True):
        preview = np.asarray(Image.open(temporary_pictures / entry["subfolder"] / entry["filename"]))
        assert np.abs(preview.astype(int) - (frame * 255).numpy()).max() <= 1


@pytest.mark.parametrize("layer", LAYERS)
def test_the_layer_decides_what_the_colours_mean(layer: str) -> None:
    record = made_record(grid=(1, 3, 5))
    frame = (frames_of(record, layer=layer, size=100, legend=False)[2] * 255).round()
    built = build_layer(layer, record)
    first = built.classify(record.evaluations[2].choices[0])[0, 0]
    assert frame[10, 10].tolist() == list(built.classes[int(first)].colour)


def test_a_picture_after_the_sampler_sets_the_size() -> None:
    frames = frames_of(made_record(), after=torch.zeros(1, 600, 1000, 3), legend=False)
    assert frames.shape[1:3] == (600, 1000)


def test_the_map_is_laid_over_the_picture_only_when_it_is_connected() -> None:
    picture = torch.zeros(1, 600, 1000, 3)
    alone = frames_of(made_record(), after=picture, legend=False)
    over = frames_of(made_record(), after=picture, picture=picture, opacity=0.5, legend=False)
    assert torch.allclose(over[2], alone[2] / 2, atol=1.1 / 255)


def test_prompt_batch_and_video_frame_can_be_chosen() -> None:
    record = made_record(grid=(3, 3, 5), batch=2, conditions=(0, 1))
    chosen = frames_of(record, prompt="negative", batch_index=1, frame=2)
    expected = draw_choice_map(record, MapOptions(condition=1, batch_index=1, frame=2))
    assert torch.equal(chosen, expected)
    assert not torch.equal(chosen, frames_of(record))


def test_before_any_run_a_sentence_says_what_to_connect() -> None:
    frames = frames_of(None)
    assert frames.shape[0] == 1
    assert not torch.equal(frames, frames_of(full_record(interval=1)))


@pytest.mark.parametrize("size", [0, 320])
def test_a_run_that_skipped_nothing_gives_a_sentence(size: int) -> None:
    record = full_record(interval=1)
    expected = draw_no_map("No map", why_nothing_skipped(record), size)
    assert torch.equal(frames_of(record, size=size), expected)


def test_the_fallback_is_the_sentence() -> None:
    unknown, other = full_record(interval=5), full_record(interval=5)
    unknown.fallbacks = ["SDXL is not a model that TAP knows; every step was computed in full."]
    assert not torch.equal(frames_of(unknown), frames_of(other))


def test_after_a_new_run_starts_no_older_map_is_shown() -> None:
    holder = holding(made_record())
    holder.clear()
    frames = TapChoiceMap.execute(record=holder, after=LATENT)[0]
    assert torch.equal(frames, frames_of(None))


def test_the_newest_run_is_shown_and_not_changed() -> None:
    holder = holding(made_record(steps=4))
    holder.fill(made_record(steps=8))
    with torch.inference_mode():
        first = TapChoiceMap.execute(record=holder, after=LATENT)[0]
        second = TapChoiceMap.execute(record=holder, after=LATENT)[0]
    assert first.shape[0] == 8
    assert torch.equal(first, second)


def test_a_value_that_is_not_a_record_is_refused() -> None:
    with pytest.raises(TapError, match="record is a str; connect the TAP_RECORD output"):
        TapChoiceMap.execute(record="a record", after=LATENT)


def test_an_option_that_the_run_has_nothing_for_is_refused() -> None:
    with pytest.raises(TapError, match="batch_index is 3"):
        frames_of(made_record(), batch_index=3)


def test_the_schema_needs_only_record_and_after() -> None:
    schema = TapChoiceMap.GET_SCHEMA()
    required = [i.id for i in schema.inputs if not i.optional]
    assert required == ["record", "after"]
    after = next(i for i in schema.inputs if i.id == "after")
    assert set(after.get_io_type().split(",")) == {"LATENT", "IMAGE"}
    assert schema.is_output_node
