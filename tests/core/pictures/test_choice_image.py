"""The frames show, pixel by pixel, what the record says."""

from __future__ import annotations

import pytest
import torch
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.pictures.choice_image import ChoiceMap, MapOptions, draw_choice_map, draw_no_map
from tap_pack.tap_core.pictures.index_maps import picture_number
from tap_pack.tap_core.pictures.map_layers import LAYERS, build_layer
from tap_pack.tap_core.pictures.palette import REUSE
from tap_pack.tap_core.record.record import TapRecord

from made_records import choices_of, full_record, made_record

# A map's token is this large, so that its middle pixel is far from its edges.
CELL = 20


def pixels(frames: torch.Tensor) -> torch.Tensor:
    """Frames as bytes."""
    return (frames * 255).round().to(torch.uint8)


def colours_of(record: TapRecord, layer: str, step: int, batch_index: int = 0) -> torch.Tensor:
    """The colour that each token of a step should have, [N, 3], found token by token."""
    built, choices = build_layer(layer, record), record.evaluations[step].choices[0]
    return torch.tensor([built.classes[i].colour for i in built.classify(choices)[batch_index].tolist()])


def cells(frame: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """The middle pixel of each token, row by row: [N, 3]."""
    return frame[CELL // 2 :: CELL, CELL // 2 :: CELL][:rows, :columns].flatten(0, 1)


@pytest.mark.parametrize("layer", LAYERS)
def test_every_token_has_the_colour_of_its_choice_in_its_place(layer: str) -> None:
    record = made_record(grid=(1, 3, 5))
    frames = pixels(draw_choice_map(record, MapOptions(layer, size=5 * CELL, legend=False)))
    assert frames.shape == (10, 3 * CELL, 5 * CELL, 3)
    for step in record.skipped_steps:
        assert torch.equal(cells(frames[step], 3, 5), colours_of(record, layer, step)), step
        whole = colours_of(record, layer, step).view(3, 5, 3).repeat_interleave(CELL, 0).repeat_interleave(CELL, 1)
        assert torch.equal(frames[step].long(), whole)


def test_the_map_is_upright_on_a_picture() -> None:
    """The tokens of the picture's bright corner have another predictor; it must show in that corner."""
    record = made_record(grid=(1, 4, 6))
    member = torch.zeros(1, 24, dtype=torch.int64)
    member.view(4, 6)[0, 3:] = 5  # above, on the right
    for evaluation in record.evaluations[2:]:
        evaluation.choices = [choices_of(member, record.candidates)]
    picture = torch.zeros(1, 64, 96, 3)
    frames = pixels(draw_choice_map(record, MapOptions(legend=False, opacity=1), picture))
    assert frames.shape[1:3] == (64, 96)
    chosen = (frames[2] == torch.tensor(build_layer("predictor", record).classes[1].colour)).all(-1)
    assert chosen[:16, 48:].all()
    assert chosen.sum() == 16 * 48


def test_padded_tokens_are_outside_the_picture() -> None:
    record = made_record(grid=(1, 17, 16))
    record.filled = (33 / 34, 31 / 32)
    frames = pixels(draw_choice_map(record, MapOptions(legend=False), like=(33 * 8, 31 * 8)))
    expected = colours_of(record, "predictor", 2).view(17, 16, 3).repeat_interleave(16, 0).repeat_interleave(16, 1)
    assert torch.equal(frames[2].long(), expected[: 33 * 8, : 31 * 8])


def test_a_full_step_is_striped_and_has_no_token_colours() -> None:
    record = made_record()
    frames = pixels(draw_choice_map(record, MapOptions(size=400, legend=False)))
    used = {tuple(c) for step in record.skipped_steps for c in colours_of(record, "predictor", step).tolist()}
    for step in record.full_steps:
        shown = {tuple(c) for c in frames[step].flatten(0, 1).unique(dim=0).tolist()}
        assert not shown & used - {REUSE}  # whose white is in the letters
        # Both stripes, the plate, and the letters on it.
        assert len(shown) > 3
    assert not torch.equal(frames[0], frames[4])  # other words
    assert torch.equal(frames[0], frames[1])  # the same words


def swatches(record: TapRecord, layer: str, frame: torch.Tensor, width: int, height: int) -> set[str]:
    """Labels of the classes whose colour has a swatch next to the map."""
    beside = frame[:height, width:].flatten(0, 1)
    return {c.label for c in build_layer(layer, record).classes
            if (beside == torch.tensor(c.colour)).all(-1).sum() > 100}


@pytest.mark.parametrize("layer", ["predictor", "order", "horizon"])
def test_the_legend_shows_every_class_that_is_used_and_no_other(layer: str) -> None:
    record = made_record(grid=(1, 8, 8))
    for evaluation in record.evaluations:
        for choices in evaluation.choices:
            choices.member[choices.member == 6] = 5  # one that nobody takes
            choices.order = choices_of(choices.member, record.candidates).order
    frames = pixels(draw_choice_map(record, MapOptions(layer, size=640)))
    built = build_layer(layer, record)
    choices = [c for e in record.evaluations for c in e.choices]
    used = {built.classes[i].label for c in choices for i in built.classify(c).flatten().tolist()}
    assert (layer == "predictor") == (len(used) < len(built.classes))
    for step in (0, 2, 9):
        assert swatches(record, layer, frames[step], 640, 640) == used


def test_the_loss_legend_shows_the_whole_ramp() -> None:
    record = made_record(grid=(1, 8, 8))
    frame = pixels(draw_choice_map(record, MapOptions("loss", size=640)))[2]
    beside = {tuple(c) for c in frame[:640, 640:].flatten(0, 1).unique(dim=0).tolist()}
    assert {c.colour for c in build_layer("loss", record).classes[:-1]} <= beside


def test_the_frames_of_a_run_are_all_of_one_even_size() -> None:
    frames = draw_choice_map(made_record(grid=(1, 5, 7)), MapOptions(size=301))
    assert frames.shape[0] == 10
    assert frames.shape[1] % 2 == 0 and frames.shape[2] % 2 == 0
    assert frames.dtype == torch.float32 and frames.min() >= 0 and frames.max() <= 1


def test_the_strip_below_marks_the_step() -> None:
    frames = pixels(draw_choice_map(made_record(), MapOptions(size=512)))
    below = frames[:, -40:].long()
    changed = [(below[step] != below[0]).any(-1).any(0).nonzero().flatten() for step in range(1, 10)]
    ends = [int(places.max()) for places in changed]
    assert ends == sorted(ends) and len(set(ends)) == 9


def test_a_small_picture_is_enlarged_until_the_legend_can_be_read() -> None:
    scene = ChoiceMap(made_record(grid=(1, 16, 8)), MapOptions(), torch.zeros(1, 256, 128, 3), None)
    assert (scene.height, scene.width) == (512, 256)
    bare = ChoiceMap(made_record(grid=(1, 16, 8)), MapOptions(legend=False), torch.zeros(1, 256, 128, 3), None)
    assert (bare.height, bare.width) == (256, 128)


@pytest.mark.parametrize("opacity", [0.0, 0.5, 1.0])
def test_opacity_goes_from_the_picture_to_the_map(opacity: float) -> None:
    record = made_record()
    picture = torch.full((1, 60, 100, 3), 0.25)
    over = draw_choice_map(record, MapOptions(legend=False, opacity=opacity), picture)
    bare = draw_choice_map(record, MapOptions(legend=False), like=(60, 100))
    assert torch.allclose(over[2], bare[2] * opacity + 0.25 * (1 - opacity), atol=1.1 / 255)


def test_a_picture_keeps_its_colours_only_where_no_map_hides_them() -> None:
    picture = torch.tensor([0.9, 0.1, 0.1]).expand(1, 60, 100, 3)
    over = draw_choice_map(made_record(), MapOptions(legend=False, opacity=0), picture)
    assert torch.allclose(over[2], picture[0], atol=1 / 255)


@pytest.mark.parametrize("batch_index", [0, 1, 2])
def test_each_picture_of_a_batch_has_its_own_map(batch_index: int) -> None:
    record = made_record(batch=3)
    options = MapOptions(size=5 * CELL, legend=False, batch_index=batch_index, opacity=0.5)
    frames = pixels(draw_choice_map(record, options))
    assert torch.equal(cells(frames[2], 3, 5), colours_of(record, "predictor", 2, batch_index))
    pictures = torch.tensor([0.0, 0.5, 1.0]).view(3, 1, 1, 1).expand(3, 60, 100, 3)
    over = draw_choice_map(record, options, pictures)
    expected = cells(frames[2], 3, 5) / 255 * 0.5 + 0.25 * batch_index
    assert torch.allclose(cells(over[2], 3, 5), expected, atol=1.5 / 255)


def test_a_video_shows_its_middle_frame_or_the_one_asked_for() -> None:
    record = made_record(grid=(3, 2, 4))
    for frame, shown in ((-1, 1), (0, 0), (1, 1), (2, 2)):
        frames = pixels(draw_choice_map(record, MapOptions(size=4 * CELL, legend=False, frame=frame)))
        assert torch.equal(cells(frames[2], 2, 4), colours_of(record, "predictor", 2)[shown * 8 : shown * 8 + 8])


def test_a_video_is_laid_over_the_frame_of_the_same_moment() -> None:
    pictures = torch.linspace(0, 1, 9).view(9, 1, 1, 1).expand(9, 40, 80, 3)
    for frame, shown in ((0, 0.0), (1, 0.5), (2, 1.0)):
        options = MapOptions(legend=False, opacity=0, frame=frame)
        over = draw_choice_map(made_record(grid=(3, 2, 4)), options, pictures)
        assert torch.allclose(over[2], torch.tensor(shown), atol=1 / 255)


@pytest.mark.parametrize("number", [0, 1])
def test_each_film_of_a_batch_is_laid_over_its_own_frames(number: int) -> None:
    films = torch.cat([torch.linspace(0, 0.4, 9), torch.linspace(0.6, 1, 9)]).view(18, 1, 1, 1).expand(18, 40, 80, 3)
    for frame, moment in ((0, 0.0), (1, 0.2), (2, 0.4)):
        options = MapOptions(legend=False, opacity=0, frame=frame, batch_index=number)
        over = draw_choice_map(made_record(grid=(3, 2, 4), batch=2), options, films)
        assert torch.allclose(over[2], torch.tensor(0.6 * number + moment), atol=1 / 255)


@pytest.mark.parametrize(("count", "batch", "grid", "found"), [
    (18, 2, (3, 3, 5), [[0, 4, 8], [9, 13, 17]]), (9, 1, (3, 3, 5), [[0, 4, 8]]),
    (7, 2, (3, 3, 5), [[0, 3, 6], [0, 3, 6]]),  # frames of something else: the same moments of all of them
    (3, 3, (1, 3, 5), [[0], [1], [2]]), (1, 3, (1, 3, 5), [[0], [0], [0]]),
])
def test_which_decoded_picture_is_below_a_map(
    count: int, batch: int, grid: tuple[int, int, int], found: list[list[int]]
) -> None:
    assert [[picture_number(count, grid, batch, number, frame) for frame in range(grid[0])]
            for number in range(batch)] == found


def test_the_negative_prompt_has_its_own_map() -> None:
    record = made_record(conditions=(0, 1))
    frames = pixels(draw_choice_map(record, MapOptions(size=5 * CELL, legend=False, condition=1)))
    built, choices = build_layer("predictor", record), record.evaluations[2].choices[1]
    expected = torch.tensor([built.classes[i].colour for i in built.classify(choices)[0].tolist()])
    assert torch.equal(cells(frames[2], 3, 5), expected)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (MapOptions(batch_index=1), "batch_index is 1, but the run made 1 picture"),
        (MapOptions(frame=1), "frame is 1, but the run has 1 frames"),
        (MapOptions(layer="colour"), "layer is 'colour'"),
        (MapOptions(condition=1), "choose positive"),
    ],
)
def test_an_option_that_does_not_fit_the_run_is_refused(options: MapOptions, said: str) -> None:
    with pytest.raises(TapError, match=said):
        draw_choice_map(made_record(), options)


def test_a_record_of_another_grid_is_refused() -> None:
    record = made_record()
    record.grid = (1, 4, 4)
    with pytest.raises(TapError, match="15 tokens, its grid 1 x 4 x 4 has 16"):
        draw_choice_map(record, MapOptions())


def test_a_partly_full_step_shows_its_map() -> None:
    record = made_record()
    record.evaluations[2].full_calls, record.evaluations[2].reason = 1, "no history"
    frames = pixels(draw_choice_map(record, MapOptions(size=5 * CELL, legend=False)))
    assert torch.equal(cells(frames[2], 3, 5), colours_of(record, "predictor", 2))


def test_a_run_without_skipped_steps_can_be_drawn() -> None:
    record = full_record(steps=3)
    record.grid = (1, 4, 4)
    assert draw_choice_map(record, MapOptions()).shape[0] == 3


def test_drawing_changes_nothing_in_the_record_or_the_picture() -> None:
    record, picture = made_record(), torch.rand(1, 30, 50, 3)
    kept = picture.clone(), [c.member.clone() for e in record.evaluations for c in e.choices]
    for layer in LAYERS:
        draw_choice_map(record, MapOptions(layer), picture)
    assert torch.equal(picture, kept[0])
    now = [c.member for e in record.evaluations for c in e.choices]
    assert all(torch.equal(a, b) for a, b in zip(now, kept[1], strict=True))


@pytest.mark.parametrize("words", ["short", "a sentence that goes on " * 40, "unbroken" * 200, "caf\u00e9 \u4e2d", ""])
def test_a_message_of_any_length_is_written(words: str) -> None:
    frame = pixels(draw_no_map("No map", words, 512))
    assert frame.shape == (1, 308, 512, 3)
    assert frame.flatten(0, 2).unique(dim=0).shape[0] > 3
    # Nothing is written over the edge.
    assert (frame[0, :, -8:] == frame[0, 0, 0]).all() and (frame[0, -8:] == frame[0, 0, 0]).all()


def test_messages_differ_with_their_words() -> None:
    assert not torch.equal(draw_no_map("No map", "interval is 1"), draw_no_map("No map", "interval is 2"))


def test_sentences_have_room_at_any_size_and_a_negative_one_is_refused():
    assert draw_no_map("No map", "Nothing was forecast.", 1).shape[2] >= 64
    assert draw_no_map("No map", "Nothing was forecast.", 300).shape[2] == 300
    for refused in (lambda: draw_no_map("No map", "Nothing was forecast.", -1), lambda: MapOptions(size=-1)):
        with pytest.raises(TapError, match=r"^size is -1; set it to 0"):
            refused()
