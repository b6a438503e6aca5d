"""TAP Predictor Pool as ComfyUI sees it, and what its pool does in a run."""

from __future__ import annotations

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tap_pack.nodes.accelerate import TapAccelerate
from tap_pack.nodes.predictor_pool import TapPredictorPool
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.predictors.families import FAMILIES
from tap_pack.tap_core.record.holder import RecordHolder
from tap_pack.tap_core.record.record import TapRecord
from tap_pack.tap_core.sampling.pool_settings import PoolSettings
from torch import Tensor

from tiny_flux import STEPS, counted_blocks, distance, sample, tiny_flux

SCHEMA = TapPredictorPool.GET_SCHEMA()
INPUTS = {i.id: i for i in SCHEMA.inputs}
TOGGLES = [name.replace("-", "_") for name in FAMILIES]


def pool(**inputs: object) -> PoolSettings:
    """The output of the node; the other inputs have their defaults."""
    assert inputs.keys() <= INPUTS.keys()
    defaults = {name: i.default for name, i in INPUTS.items() if hasattr(i, "default")}
    (settings,) = TapPredictorPool.execute(**defaults | inputs).args
    return settings


def run(
    predictors: PoolSettings, model: ModelPatcher | None = None, steps: int = STEPS, **inputs: object
) -> tuple[Tensor, TapRecord]:
    """Latents and record of one run of tiny FLUX."""
    defaults = {i.id: i.default for i in TapAccelerate.GET_SCHEMA().inputs if hasattr(i, "default")}
    given = {name: value for name, value in {**defaults, **inputs}.items() if value is not None}
    holder: RecordHolder
    accelerated, holder = TapAccelerate.execute(model or tiny_flux(), **given | {"predictors": predictors}).args
    latents = sample(accelerated, steps)
    assert holder.latest is not None
    return latents, holder.latest


def test_the_contract_is_kept() -> None:
    assert (SCHEMA.node_id, SCHEMA.display_name) == ("TapPredictorPool", "TAP Predictor Pool")
    assert [o.io_type for o in SCHEMA.outputs] == ["TAP_POOL"]
    assert [*INPUTS][: len(TOGGLES)] == TOGGLES
    assert [*INPUTS][len(TOGGLES) :][:4] == ["orders", "horizon_from", "horizon_to", "selection"]
    assert [name for name in TOGGLES if INPUTS[name].default] == ["taylor"]
    assert all(i.tooltip for i in SCHEMA.inputs) and all(o.tooltip for o in SCHEMA.outputs)


def test_the_defaults_are_the_papers_pool() -> None:
    assert pool() == PoolSettings()
    latents, record = run(pool())
    plain, holder = TapAccelerate.execute(
        tiny_flux(), **{i.id: i.default for i in TapAccelerate.GET_SCHEMA().inputs if getattr(i, "default", None)}
    ).args
    assert (latents == sample(plain)).all()
    assert len(record.full_steps) == len(holder.latest.full_steps)


@pytest.mark.parametrize("name", TOGGLES)
def test_every_family_alone_runs_and_is_named_in_the_record(name: str) -> None:
    latents, record = run(pool(**{"taylor": False, name: True}, orders="1,2"))
    assert latents.isfinite().all()
    family = name.replace("_", "-")
    assert {candidate.family for candidate in record.candidates} == {family}
    assert record.skipped_steps and not record.fallbacks
    assert all(share.startswith(family) for share in record.predictor_shares)


@pytest.mark.parametrize("selection", INPUTS["selection"].options)
def test_all_families_at_once_run_with_every_selection(selection: str) -> None:
    latents, record = run(pool(**dict.fromkeys(TOGGLES, True), selection=selection), target="output", time_axis="sigma")
    assert latents.isfinite().all()
    assert record.skipped_steps and len(record.predictor_shares) > 1
    assert selection in str(record.settings["given_pool"])
    assert "orders" not in record.settings


def test_one_family_one_order_and_no_horizons_are_one_fixed_predictor() -> None:
    _, record = run(pool(newton=True, taylor=False, orders="2", horizon_from=0))
    assert [str(candidate) for candidate in record.candidates] == ["newton 2"]


def test_the_oracle_has_a_smaller_error_on_a_single_skipped_step_and_reports_its_cost() -> None:
    """Over several steps it may be worse: small errors can add up, and larger ones can cancel."""
    settings = {"quality": "fixed", "target": "output", "interval": 2, "steps": 4, "placement": "paper",
                "correction": "off"}
    many = {"newton": True, "hicache": True, "dicache": True}
    (best, record), (oracle, _) = (run(pool(**many, selection=name), **settings) for name in ("best", "oracle"))
    assert record.skipped_steps == [3]
    full = sample(tiny_flux(), steps=4)
    assert distance(oracle, full) < distance(best, full)
    with counted_blocks(model := tiny_flux()) as counts:
        _, record = run(pool(**many, selection="oracle"), model, **settings)
    assert set(counts.values()) == {4}
    assert record.skipped_steps == [3] and "oracle" in record.fallbacks[0]


def test_random_runs_repeat_with_their_seed() -> None:
    first, again, other = (run(pool(selection="random", seed=seed))[0] for seed in (1, 1, 2))
    assert (first == again).all() and not torch.equal(first, other)


@pytest.mark.parametrize(("inputs", "says"), [
    ({"taylor": False, "orders": "1"}, "family"),
    ({"horizon_from": 1, "horizon_to": 0}, "horizon_from"),
    ({"horizon_step": 0.0}, "horizon_step"),
    ({"horizon_step": float("nan")}, "horizon_step"),
    ({"horizon_step": 1e-9}, "horizon_step"),
    ({"orders": "7"}, "orders"),
    ({"orders": "one"}, "orders"),
    ({"selection": "luckiest"}, "selection"),
    ({"hicache": True, "hicache_scale": 0.0}, "scale"),
    ({"spectrum": True, "spectrum_steps": 1}, "Spectrum"),
    ({"freqca": True, "freqca_cutoff": float("inf")}, "cutoff"),
])
def test_bad_input_says_what_to_change(inputs: dict[str, object], says: str) -> None:
    with pytest.raises(TapError, match=says):
        pool(**inputs)


def test_the_browser_does_not_draw_a_new_seed_after_every_run() -> None:
    (seed,) = (given for given in TapPredictorPool.GET_SCHEMA().inputs if given.id == "seed")
    assert seed.as_dict()["control_after_generate"] is False
