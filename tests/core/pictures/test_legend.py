"""The text next to a map, and that it can be read."""

from __future__ import annotations

import numpy as np
import pytest
from tap_pack.tap_core.pictures.legend import (
    LEAST_LETTERS,
    Legend,
    LegendEntry,
    draw_legend,
    legend_size,
    letters_that_fit,
    share_words,
)
from tap_pack.tap_core.pictures.lettering import BACKGROUND, font_of, wrap_text
from tap_pack.tap_core.pictures.map_layers import build_layer
from tap_pack.tap_core.pictures.map_legend import MOST_ENTRIES, map_legend
from tap_pack.tap_core.pictures.step_view import step_views
from tap_pack.tap_core.record.record import TapRecord
from tap_pack.tap_core.sampling.settings import TapSettings

from made_records import made_record


def legends(record: TapRecord, layer: str = "predictor", condition: int = 0) -> list[Legend]:
    """The legend of every step, with shares counted token by token."""
    built, views, shares = build_layer(layer, record), step_views(record, condition), []
    for view in views:
        chosen = [] if view.choices is None else built.classify(view.choices)[0].tolist()
        shares.append([chosen.count(i) / len(chosen) for i in range(len(built.classes))] if chosen else None)
    return [map_legend(record, built, view, shares, number, condition) for number, view in enumerate(views)]


def test_step_status_and_sigma_are_written() -> None:
    found = legends(made_record(steps=10))
    assert list(found[0].lines) == ["Step 1 of 10", "computed step: warm-up", "sigma 1.0000"]
    assert list(found[2].lines) == ["Step 3 of 10", "forecast step", "sigma 0.8000"]
    assert found[2].foot[0] == "4 of 10 steps computed"


def test_the_negative_prompt_is_named() -> None:
    assert legends(made_record(conditions=(0, 1)), condition=1)[2].lines[-1] == "negative prompt"


def test_fallbacks_are_pointed_out() -> None:
    record = made_record()
    record.fallbacks = ["a history was missing"]
    assert legends(record)[0].foot[-1] == "fallbacks: see TAP Report"


def test_every_used_class_keeps_its_place_on_all_steps() -> None:
    record = made_record(steps=20, grid=(1, 8, 8))
    found = legends(record)
    labels = [entry.label for entry in found[0].entries]
    assert set(labels) == set(record.predictor_shares)
    assert all([entry.label for entry in legend.entries] == labels for legend in found)
    for legend, view in zip(found, step_views(record), strict=True):
        if view.choices is None:
            assert all(entry.share is None for entry in legend.entries)
        else:
            assert sum(entry.share for entry in legend.entries) == pytest.approx(1)


def test_very_many_classes_are_summed_up() -> None:
    record = made_record(steps=20, grid=(1, 30, 30), pool=TapSettings(orders="1,2,3", horizon_step=0.1))
    legend = legends(record)[3]
    assert len(legend.entries) == MOST_ENTRIES
    assert legend.entries[-1].label.endswith(" others")
    assert sum(entry.share for entry in legend.entries) == pytest.approx(1)


@pytest.mark.parametrize(
    ("share", "words"), [(None, "-"), (0.0, "0 %"), (0.001, "<1 %"), (0.006, "1 %"), (0.126, "13 %"), (1.0, "100 %")]
)
def test_shares_are_written_in_whole_percent(share: float | None, words: str) -> None:
    assert share_words(share) == words


@pytest.mark.parametrize("entries", [0, 1, 11, 16, 17, 48])
@pytest.mark.parametrize("size", [13, 20])
def test_nothing_is_written_over_the_edge(entries: int, size: int) -> None:
    rows = [LegendEntry(f"predictor with a name {i}", (200, 100, i), 0.5) for i in range(entries)]
    legend = Legend("A title", ["Step 1 of 2", "computed: " + "a long reason " * 9], rows, ["12 of 50 steps computed"])
    width, height = legend_size(legend, size)
    panel = np.asarray(draw_legend(legend, width, height, size))
    assert panel.shape == (height, width, 3)
    edge = size // 2
    for strip in (panel[:, :edge], panel[:, -edge:], panel[-edge:], panel[:edge]):
        assert (strip == BACKGROUND).all()
    red, green, blue = panel[..., 0], panel[..., 1], panel[..., 2]
    swatches = np.bincount(blue[(red == 200) & (green == 100)], minlength=entries)[:entries]
    assert (swatches >= (size - 1) ** 2).all()


def test_letters_shrink_to_fit_but_stay_readable() -> None:
    legend = Legend("A title", ["Step 1 of 2"], [LegendEntry(f"name {i}", (1, 2, 3), 0.1) for i in range(11)], ["foot"])
    fitting = letters_that_fit([legend], 512, 30)
    assert LEAST_LETTERS <= fitting < 30
    assert legend_size(legend, fitting)[1] <= 512
    assert letters_that_fit([legend], 50, 30) == LEAST_LETTERS
    assert letters_that_fit([legend], 5000, 30) == 30


@pytest.mark.parametrize("text", ["one", "a few words to wrap", "unbreakable" * 20, "caf\u00e9 \u2192", "", "  "])
def test_wrapped_lines_are_never_too_wide_and_lose_nothing(text: str) -> None:
    font = font_of(14)
    lines = wrap_text(text, font, 100)
    assert all(font.getlength(line) <= 100 for line in lines)
    assert "".join(lines).replace(" ", "") == text.encode("ascii", "replace").decode().replace(" ", "")
