"""Named methods, and the numbers that some of them need for a model."""

import inspect
import math
import re
from pathlib import Path

import pytest
from tap_pack.tap_core.calibrate.fitted_numbers import Changes, fit_polynomial, magnitude_ratios
from tap_pack.tap_core.errors import TapError
from tap_pack.tap_core.predictors.families import FAMILIES
from tap_pack.tap_core.sampling.methods import METHODS, fixed
from tap_pack.tap_core.schedules.cg_taylor import ConfidenceGateSchedule
from tap_pack.tap_core.schedules.fallback import FallbackSchedule
from tap_pack.tap_core.schedules.interval import IntervalSchedule
from tap_pack.tap_core.schedules.model_tables import POLYNOMIALS
from tap_pack.tap_core.schedules.registry import SCHEDULES

ROOT = Path(__file__).resolve().parents[3]
MODELS = ("FLUX", "Qwen-Image", "HunyuanVideo", "Wan", "a model of tomorrow")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", [name for name in METHODS if name != "MagCache"])
def test_every_method_has_settings_for_every_model(name: str, model: str) -> None:
    method = METHODS[name]
    assert method.pool.pool().members
    assert method.schedule(model)
    assert method.about.endswith(".")


def test_tap_is_the_papers_by_model() -> None:
    assert METHODS["TAP"].schedule("FLUX") == IntervalSchedule(5, 3)
    assert METHODS["TAP"].schedule("Qwen-Image") == IntervalSchedule(4, 3)
    assert METHODS["TAP"].schedule("HunyuanVideo") == IntervalSchedule(6, 3)
    assert METHODS["TAP with fallback"].schedule("Qwen-Image") == FallbackSchedule(interval=4)
    assert {member.order for member in METHODS["TAP"].pool.pool().members} == {0, 1, 2}


def test_magcache_says_where_its_numbers_are_missing() -> None:
    assert METHODS["MagCache"].schedule("Qwen-Image").threshold == 0.06
    with pytest.raises(TapError, match="measured on Wan"):
        METHODS["MagCache"].schedule("Wan")


def test_teacache_takes_the_models_polynomial_else_the_change_itself() -> None:
    assert METHODS["TeaCache"].schedule("HunyuanVideo").coefficients == POLYNOMIALS["HunyuanVideo"]
    assert METHODS["TeaCache"].schedule("Wan").coefficients == (1.0, 0.0)


def test_ratios_are_the_mean_over_whole_runs() -> None:
    assert magnitude_ratios(Changes(ratio=[4.0, 2.0, 0.5]), 4) == (1.0, 4.0, 2.0, 0.5)
    assert magnitude_ratios(Changes(ratio=[4.0, 2.0, 0.5, 2.0, 1.0, 1.5]), 4) == (1.0, 3.0, 1.5, 1.0)
    with pytest.raises(TapError, match="not those of whole runs of 5 steps"):
        magnitude_ratios(Changes(ratio=[4.0, 2.0, 0.5]), 5)


def test_a_polynomial_is_found_again() -> None:
    xs = [0.01 * i for i in range(1, 40)]
    found = fit_polynomial(Changes(xs, [0.1 - x + 3 * x**3 + 2 * x**4 for x in xs], []))
    assert found == pytest.approx((2.0, 3.0, 0.0, -1.0, 0.1), abs=1e-6)
    assert not any(map(math.isnan, fit_polynomial(Changes([0.1] * 9, [0.2] * 9, []))))
    with pytest.raises(TapError, match="too few"):
        fit_polynomial(Changes([0.1], [0.1], []))


def test_cg_taylor_is_its_scripts_by_model() -> None:
    method = METHODS["CG-Taylor"].schedule
    assert method("FLUX") == ConfidenceGateSchedule(threshold=0.03, order=1, warmup=5)
    assert method("HunyuanVideo") == ConfidenceGateSchedule(threshold=0.08, order=2, warmup=6)
    assert method("Wan") == ConfidenceGateSchedule(threshold=0.18, order=3, warmup=6)


def listed() -> dict[str, list[str]]:
    """The rows of the list of methods by name: source, what is exact, what differs."""
    page = (ROOT / "tap_core" / "METHODS.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:2] == "| "]
    assert {len(row) for row in rows} == {4}
    return {name: cells for name, *cells in rows}


def test_every_method_is_on_the_list() -> None:
    assert set(METHODS) <= set(listed())


@pytest.mark.parametrize("name", listed())
def test_the_list_says_what_is_exact_and_what_differs(name: str) -> None:
    assert all(listed()[name])


def test_every_predictor_and_schedule_is_on_the_list() -> None:
    """By the file that its class is in."""
    linked = set(re.findall(r"\]\(([a-z_/]+\.py)\)", " ".join(cells[0] for cells in listed().values())))
    members = [member for family in METHODS.values() for member in family.pool.pool().members]
    members += [member for name in FAMILIES for member in fixed(name, "1").pool().members]
    rooms = ROOT / "tap_core"
    files = {Path(inspect.getfile(kind)).relative_to(rooms).as_posix()
             for kind in (*SCHEDULES.values(), *map(type, members))}
    assert files - linked == set()


def test_the_readme_links_the_list() -> None:
    assert "(tap_core/METHODS.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
