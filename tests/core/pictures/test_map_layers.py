"""Every layer gives each token the class of its choice."""

from __future__ import annotations

import math

import pytest
import torch
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.pictures.map_layers import LAYERS, LOSS_LEVELS, build_layer
from tap_pack.tap_core.pictures.palette import NOT_FINITE
from tap_pack.tap_core.record.record import TapRecord
from tap_pack.tap_core.sampling.settings import TapSettings

from made_records import full_record, made_record


def labels_and_choices(record: TapRecord, layer: str) -> list[tuple[str, int, float]]:
    """Label, member and loss of every token that was forecast."""
    built = build_layer(layer, record)
    found = []
    for choices in (c for e in record.evaluations for c in e.choices):
        classes = built.classify(choices).flatten().tolist()
        members, losses = choices.member.flatten().tolist(), choices.loss.flatten().tolist()
        found += [(built.classes[i].label, m, loss) for i, m, loss in zip(classes, members, losses, strict=True)]
    return found


def test_the_predictor_layer_names_predictors_as_the_report_does() -> None:
    record = made_record(steps=30)
    found = labels_and_choices(record, "predictor")
    assert all(label == str(record.candidates[member]) for label, member, _ in found)
    assert {label for label, _, _ in found} == set(record.predictor_shares)


@pytest.mark.parametrize("name", LAYERS)
def test_computed_tokens_are_a_class_of_their_own_on_each_layer(name: str) -> None:
    record = made_record()
    before = build_layer(name, record)
    first = record.evaluations[2].choices[0]
    plain = before.classify(first)
    first.computed = torch.arange(15).view(1, 15) % 3 == 0
    layer = build_layer(name, record)
    assert [c.label for c in layer.classes] == [*(c.label for c in before.classes), "computed"]
    classes = layer.classify(first)
    assert classes[first.computed].eq(len(before.classes)).all()
    assert torch.equal(classes[~first.computed], plain[~first.computed])
    other = record.evaluations[3].choices[0]
    assert torch.equal(layer.classify(other), before.classify(other))
    assert layer.levels == before.levels == (LOSS_LEVELS if name == "loss" else 0)


def test_members_of_one_name_are_one_class() -> None:
    classes = build_layer("predictor", made_record()).classes
    assert [c.label for c in classes][:3] == ["reuse", "taylor 1", "taylor 1, k-1"]
    assert len(classes) == 11


def test_horizons_are_listed_from_highest_to_lowest() -> None:
    record = made_record(pool=TapSettings(orders="0,1", horizon_from=-2, horizon_to=1))
    labels = [c.label for c in build_layer("horizon", record).classes]
    assert labels == ["reuse: looks at none", "k+1: 1 step beyond", "k: the step itself", "k-1: 1 step short",
                      "k-2: 2 steps short"]
    assert [c.label for c in build_layer("predictor", record).classes][1:3] == ["taylor 1, k+1", "taylor 1"]


def test_the_horizon_layer_shows_the_horizon_of_the_chosen_member() -> None:
    record = made_record(steps=20)
    for label, member, _ in labels_and_choices(record, "horizon"):
        name = record.candidates[member]
        expected = "reuse" if name.order == 0 else f"k{name.horizon:+g}" if name.horizon else "k"
        assert label.partition(":")[0] == expected


def test_the_order_layer_shows_the_order_that_was_used() -> None:
    record = made_record()
    choices = record.evaluations[2].choices[0]
    choices.order = torch.zeros_like(choices.order)
    layer = build_layer("order", record)
    assert layer.classify(choices).unique().tolist() == [0]
    assert [c.label for c in layer.classes] == ["order 0: reuse", "order 1: line", "order 2: curve"]


def test_the_loss_layer_is_logarithmic_and_the_same_for_all_steps() -> None:
    record = made_record(steps=30, grid=(1, 20, 20))
    layer = build_layer("loss", record)
    low, high = layer.ramp
    assert low == pytest.approx(1e-6, rel=0.2)
    assert high == pytest.approx(1e-1, rel=0.2)
    choices = record.evaluations[2].choices[0]
    choices.loss = torch.tensor([[0.0, low, 0.99 * math.sqrt(low * high), high, 1.0]])
    middle = LOSS_LEVELS // 2 - 1
    assert layer.classify(choices).tolist() == [[0, 0, middle, LOSS_LEVELS - 1, LOSS_LEVELS - 1]]


def test_a_loss_that_is_not_finite_has_its_own_class() -> None:
    record = made_record()
    choices = record.evaluations[2].choices[0]
    choices.loss[0, :2] = torch.tensor([math.inf, math.nan])
    layer = build_layer("loss", record)
    assert [layer.classes[i].label for i in layer.classify(choices)[0, :2].tolist()] == ["not finite"] * 2
    assert layer.classes[-1].colour == NOT_FINITE


@pytest.mark.parametrize("losses", [0.0, 1e-3, math.inf])
def test_equal_losses_make_a_ramp_as_well(losses: float) -> None:
    record = made_record()
    for choices in (c for e in record.evaluations for c in e.choices):
        choices.loss.fill_(losses)
    layer = build_layer("loss", record)
    assert 0 < layer.ramp[0] < layer.ramp[1]
    assert layer.classify(choices).unique().numel() == 1


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_can_be_built_for_a_run_without_choices(name: str) -> None:
    assert build_layer(name, full_record()).title.endswith("per token")


def test_an_unknown_layer_is_refused() -> None:
    with pytest.raises(TapError, match="layer is 'colour'; choose one of predictor, order, horizon, loss"):
        build_layer("colour", made_record())
