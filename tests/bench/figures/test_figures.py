"""Every measured figure that is printed agrees with its file in bench/results, and each file says where it is from."""

from __future__ import annotations

import importlib
import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from figures.readme_blocks import blocks
from orders.command import below_plain
from placement import table as placement_table

ROOT = Path(__file__).resolve().parents[3]
RESULTS = ROOT / "bench" / "results"
# Study whose README has a table -> the module whose `markdown` makes it.
RENDERERS = {"methods": "methods.table",
             **{name: f"{name}.command" for name in ("cost", "memory", "overhead", "engine", "quality", "choice",
                                                     "drift", "samplers", "replay", "closeness", "calibration",
                                                     "learned", "orders", "partial", "rehearse", "full")}}


def found(name: str) -> dict:
    """A file of results."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def demo() -> dict:
    """What the demo measured."""
    return found("demo")


def engine(dtype: str) -> dict:
    """The row of a dtype on one thread."""
    return next(row for row in found("engine")["results"] if (row["dtype"], row["threads"]) == (dtype, 1))


def memory_of(model: str, target: str) -> dict:
    """The row of a model at K = 3."""
    (rows,) = [found_model["rows"] for found_model in found("memory")["models"] if found_model["model"] == model]
    return next(row for row in rows if (row["target"], row["kept"]) == (target, 3))


def latents(row: dict) -> tuple[int, int]:
    """Bytes that a replay keeps without guidance and with it."""
    return row["kept_without_guidance"], row["kept"]


def cost_of(model: str) -> dict:
    """Full and skipped step of a model."""
    return next(row for row in found("cost")["models"] if row["model"] == model)


def cell(figure: str, row: str, column: str) -> float:
    """PSNR of a cell of `quality`."""
    return next(each["psnr"] for each in found("quality")["cells"]
                if (each["figure"], each["row"], each["column"]) == (figure, row, column))


def placed(model: str, course: str, name: str, budget: int) -> float:
    """PSNR of a row of `placement`."""
    return next(row["psnr"] for row in found(f"placement_{model}")["rows"]
                if (row["course"], row["name"], row["budget"]) == (f"50 steps, euler, simple, {course}", name, budget))


def plain_steps_closer() -> str:
    """In how many cells of `orders` as many plain steps are closer."""
    rows = found("orders")["rows"]
    return f"are closer in {sum(below_plain(row) > 0 for row in rows)} of {len(rows)} cells"


def above(other: str | tuple[str, ...], name: str) -> str:
    """How many dB a method is above another, or above the best of several, with 10 calls on each model."""
    others = (other,) if isinstance(other, str) else other
    demo, words, balls = (placed(model, "CFG 2", name, 10) - max(placed(model, "CFG 2", each, 10) for each in others)
                          for model in ("demo", "words", "balls"))
    return f"{demo:.1f}, {words:.1f} and {balls:.1f}"


def worth(name: str, model: str, calls: int) -> float:
    """How many dB the defaults are above a row of `choice`."""
    defaults, row = (next(row["calls"][str(calls)]["psnr"] for row in found("choice")["rows"]
                          if (row["name"], row["model"]) == (each, model))
                     for each in ("per token, trust learned (default)", name))
    return defaults - row


def worths(name: str) -> list[float]:
    """The same on all models, with 10 and 8 calls."""
    return [worth(name, model, calls) for model in ("demo", "words", "balls") for calls in (10, 8)]


def interpolated() -> list[float]:
    """How many dB the full run's slopes between full steps are worth, least first."""
    scores = {(row["model"], row["name"]): row["calls"] for row in found("drift")["rows"] if "calls" in row}
    return sorted(scores[model, "interpolated between the full run's slopes"][calls]["psnr"] - score["psnr"]
                  for (model, name), row in scores.items() if name == "as it is" for calls, score in row.items())


def missed(model: str) -> int:
    """In how many rows of `closeness` pictures with skipped steps are less close than *close* aims at, in the mean."""
    rows = [(row["steps"], row["qualities"]["close"]) for row in found(f"closeness_{model}")["rows"]]
    skipping = [[psnr for psnr, calls in zip(score["psnr"], score["calls"], strict=True) if calls < steps]
                for steps, score in rows]
    return sum(sum(scores) / len(scores) < 42 for scores in skipping if scores)


def in_part(share: float, to: str) -> str:
    """A row of the help's table: least and largest error on the three models."""
    rows = [row for row in found("partial")["rows"] if row["share"] == share]
    errors = ([row[name] for row in rows] for name in ("forecast", "computed", "grid"))
    spans = (f"{min(error):.2f}{to}{max(error):.2f}" for error in errors)
    return f"| {100 * share:.0f} % | {' | '.join(spans)} |"


def lost_in_part() -> tuple[float, float]:
    """How many dB SADA loses, with its own settings, where it computes steps in part: least and most of the models."""
    runs = {(row["model"], row["way"]): row["psnr"] for row in found("partial")["runs"]
            if row["stretch"] == "as published"}
    lost = [runs[model, "computed in full"] - runs[model, "computed in part"] for model in ("demo", "words", "balls")]
    return min(lost), max(lost)


# What stands in a text: (file, the words with the figure as it has to be).
README = "README.md"
BENCH = "bench/README.md"
COST, MEMORY, OVERHEAD, ENGINE, QUALITY, PLACEMENT, CHOICE, DEMO = (f"bench/{name}/README.md" for name in (
    "cost", "memory", "overhead", "engine", "quality", "placement", "choice", "demo"))
DEFAULTS = "TAP Accelerate's defaults"
CALIBRATED, UNPAID = "TAP, calibrated", "drift not repaid, trust learned"
SOLVERS = tuple(f"{name}, fewer steps" for name in ("euler", "dpmpp_2m", "res_multistep", "deis", "ipndm", "uni_pc"))
GRID, LOSS, PROBE, SINGLE = ("orders x horizons",), ("proxy loss",), ("probe",), ("single predictors",)
HELP = ("web/docs/TapSchedule.md", " to "), ("web/docs/TapSchedule/zh.md", " 至 ")
SENTENCES = [
    *((file, lambda share=share, to=to: in_part(share, to)) for file, to in HELP for share in (0.75, 0.5, 0.25)),
    (HELP[0][0], lambda: "are {:.0f} to {:.0f} dB less close".format(*lost_in_part())),
    (HELP[1][0], lambda: "低 {:.0f} 至 {:.0f} dB".format(*lost_in_part())),
    ("bench/partial/README.md", lambda: "pictures {:.0f} to {:.0f} dB less close".format(*lost_in_part())),
    (README, lambda: "The mean misses that in {}, {} and {} rows of *demo*, *words* and *balls*".format(*map(
        missed, ("demo", "words", "balls")))),
    (README, lambda: "| {stock:.2f} s | {TAP:.2f} s: ".format(**demo()["best_sampler_seconds"])
                     + f"{demo()['speed_up']:.1f} times faster, PSNR {demo()['psnr_db']:.1f} dB |"),
    *((file, plain_steps_closer) for file in (README, BENCH)),
    (COST, lambda: f"costs {cost_of('FLUX.1-dev')['first_skipped']['total']:.4f} TFLOPs in matrix products and "
                    f"{cost_of('FLUX.1-dev')['first_skipped']['elements']:.4f} in arithmetic besides"),
    (COST, lambda: f"and cost {cost_of('FLUX.1-dev')['skipped']['total']:.4f}."),
    (MEMORY, lambda: f"FLUX.1-dev by default: {memory_of('FLUX.1-dev', 'auto')['bytes'] / 1e6:.1f} MB, "
                    f"{memory_of('FLUX.1-dev', 'auto')['bytes'] / 2**30:.3f} GiB"),
    (MEMORY, lambda: f"the paper's way {memory_of('FLUX.1-dev', 'residual, whole probe')['bytes'] / 1e6:.1f} MB"),
    (MEMORY, lambda: f"A skipped call of FLUX.1-dev leaves {memory_of('FLUX.1-dev', 'auto')['waiting'] / 1e6:.0f} MB"),
    (MEMORY, lambda: "another {:.0f} MB for FLUX.1-dev in a run with 12 of 50 steps without guidance, {:.0f} MB with it"
                     ", and {:.0f} or {:.0f} MB for a film".format(*(kept / 1e6 for row in found("replay")["rows"]
                                                                  for kept in latents(row)))),
    (QUALITY, lambda: f"{cell(*GRID, '0', 'from 0'):.1f} dB with order 0, {cell(*GRID, '0,1,2', 'from -1'):.1f} with "
                    f"orders 0 to 2 and horizons from k-1, {cell(*GRID, '0,1,2', 'from -4'):.1f} from k-4"),
    (QUALITY, lambda: f"by {cell(*PROBE, 'modulated input', 'TAP') - cell(*PROBE, 'raw input', 'TAP'):.1f} dB: the"),
    (QUALITY, lambda: f"cosine ({cell(*LOSS, 'cosine', 'TAP'):.1f} dB) is not the best loss; l2 gives "
                    f"{cell(*LOSS, 'l2', 'TAP'):.1f}, l1 {cell(*LOSS, 'l1', 'TAP'):.1f}."),
    (QUALITY, lambda: f"order 2 with horizon k-2 gives {cell(*SINGLE, 'order 2', 'k-2'):.1f} dB, TAP "
                    f"{cell(*SINGLE, 'TAP', 'chosen'):.1f}, and even the choice by the true error only "
                    f"{cell(*SINGLE, 'choice by the truth', 'chosen'):.1f}."),
    (DEMO, lambda: "takes {stock:.2f} s in full and {TAP:.2f} s with TAP, which is ".format(
        **demo()["best_sampler_seconds"]) + f"{demo()['speed_up']:.1f} times faster. The PSNR against the full picture "
                   f"is {demo()['psnr_db']:.1f} dB, with {demo()['full_steps']} of {demo()['asked']['steps']} steps"),
    (ENGINE, lambda: f"takes {engine('bf16')['over_one_pass']['15']:.1f} times as long as copying each of its tensors"),
    (ENGINE, lambda: f"300 candidates in place of 3 it takes {engine('bf16')['300_over_3']:.2f} times as long"),
    (ENGINE, lambda: f"needs {engine('bf16')['extra_token_tensors']['15']:.1f} token tensors"),
    (PLACEMENT, lambda: f"the defaults are {above('TAP', DEFAULTS)} dB above the paper's TAP (*demo*, *words*, "
                        f"*balls*) and {above(SOLVERS, DEFAULTS)} above the best solver. Calibrated runs are "
                        f"{above('TAP', CALIBRATED)} above the paper's TAP, and {above(SOLVERS, CALIBRATED)} above"),
    (CHOICE, lambda: f"and {worth('per token', 'words', 8):.1f} dB closer than without trust on *words* with 8 calls"),
    (BENCH, lambda: f"they are {above('TAP', DEFAULTS)} dB above the paper's TAP on *demo*, *words* and *balls*, and "
                    f"{above(SOLVERS, DEFAULTS)} above the best solver"),
    (BENCH, lambda: "the picture is {:.1f} to {:.1f} dB lower".format(*sorted(worths(UNPAID))[::5])),
    (BENCH, lambda: "it is {:.1f} dB lower on *words* with 8 calls, and between {:.1f} lower and {:.1f} ".format(
        *sorted(worths("per token"))[:-3:-1], -min(worths("per token")))),
    (BENCH, lambda: f"holds {memory_of('FLUX.1-dev', 'auto')['bytes'] / 1e9:.3f} GB by default"),
    (BENCH, lambda: "by default, and {:.3f} GB of latents to repay the drift, {:.3f} with guidance".format(
        *(kept / 1e9 for kept in latents(found("replay")["rows"][0])))),
    (BENCH, lambda: "and {:.1f} % of the time on the demo model, where less".format(
        100 * found("replay")["demo"]["replay"] / found("replay")["demo"]["step"])),
    (BENCH, lambda: f"takes {100 * found('overhead')['ways'][1]['skipped_share']:.3f} % of a full one"),
    (BENCH, lambda: f"300 candidates take {engine('bf16')['300_over_3']:.2f} times as long as 3"),
    (BENCH, lambda: "the picture would be {:.0f} to {:.0f} dB closer".format(*interpolated()[::5])),
    ("bench/drift/README.md", lambda: "picture would be {:.0f} to {:.0f} dB closer".format(*interpolated()[::5])),
]


def test_the_table_of_what_people_run_is_that_of_the_results() -> None:
    rows = importlib.import_module("closeness.command").kept()["rows"]
    table = importlib.import_module("closeness.tables").default_table(rows)
    assert "\n".join(table) in (ROOT / README).read_text(encoding="utf-8")


def test_the_table_of_what_is_estimated_is_that_of_the_results() -> None:
    rehearse = importlib.import_module("rehearse.command")
    assert "\n".join(rehearse.in_short(found("rehearse")["rows"])) in (ROOT / README).read_text(encoding="utf-8")


@pytest.mark.parametrize("file", sorted(RESULTS.glob("*.json")), ids=lambda file: file.stem)
def test_each_file_says_where_its_figures_are_from(file: Path) -> None:
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert "command" in kept, f"{file.name} has to be written with results_file.write_results"
    study = file.stem.partition("_")[0]
    assert re.match(rf"python3 bench/(run\.py {study}|{study}/\w+\.py)\b", kept["command"])
    # Where the figures were taken, it may be tomorrow already.
    assert date.fromisoformat(kept["date"]) <= date.today() + timedelta(days=1)
    assert kept["machine"]["cpu"] and kept["machine"]["cores"] and "gpu" in kept["machine"]
    assert kept["versions"]["torch"] and kept["versions"]["python"]
    # No path of a machine.
    assert not re.search(r'"(/|[A-Z]:\\\\)', file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", RENDERERS)
def test_the_tables_are_those_of_the_results(name: str) -> None:
    kept = importlib.import_module(f"{name}.command").PAGE.kept()
    assert blocks()[name] == importlib.import_module(RENDERERS[name]).markdown(kept)


def test_no_table_is_without_results() -> None:
    others = ("placement", "methods_few", "closeness_rivals", "closeness_telling", "closeness_compared",
              "samplers_added", "samplers_again", "samplers_changed")
    assert blocks().keys() == {*RENDERERS, *others}
    assert all(list(RESULTS.glob(f"{name}*.json")) for name in blocks())


def test_the_tables_of_placement_are_those_of_all_its_models() -> None:
    rows = [row for file in RESULTS.glob("placement_*.json") for row in found(file.stem)["rows"]]
    assert blocks()["placement"] == placement_table.tables(rows)
    assert placement_table.short_table(rows) in (ROOT / BENCH).read_text(encoding="utf-8")


@pytest.mark.parametrize(("file", "words"), SENTENCES)
def test_figures_in_a_text_are_those_of_the_results(file: str, words: object) -> None:
    text = " ".join((ROOT / file).read_text(encoding="utf-8").split())
    assert words() in text


def test_the_defaults_are_nowhere_below_easycache_at_as_many_calls() -> None:
    rows = [row for file in RESULTS.glob("placement_*.json") for row in found(file.stem)["rows"]]
    tables: dict[tuple, dict[str, dict]] = {}
    for row in rows:
        tables.setdefault((row["model"], row["course"], row["budget"]), {})[row["name"]] = row
    pairs = {place: (table[DEFAULTS], table["EasyCache"]) for place, table in tables.items() if "EasyCache" in table}
    reached = {place: pair for place, pair in pairs.items()
               if pair[1]["calls"] <= place[2] + placement_table.FARTHEST}
    assert len(reached) > 35
    assert [place for place, (ours, theirs) in reached.items() if ours["psnr"] < theirs["psnr"]] == []


def test_the_default_is_nowhere_far_below_the_best_fixed_predictor_of_its_pool() -> None:
    rows = [row for row in found("choice")["rows"] if "calls" in row]
    cells = {(row["model"], calls) for row in rows for calls in row["calls"]}
    assert len(cells) == 6
    for model, calls in cells:
        scores = {row["name"]: row["calls"][calls]["psnr"] for row in rows if row["model"] == model}
        fixed = [score for name, score in scores.items() if name.startswith("fixed: ")]
        assert len(fixed) == 8
        assert scores["per token, trust learned (default)"] > max(fixed) - 0.3, (model, calls)


def test_a_calibration_expects_what_runs_then_tell_and_the_page_says_how_close_other_pictures_are() -> None:
    cells = [cell for row in found("calibration")["rows"] for cell in row.get("estimates", {}).values()]
    assert len(cells) == 12
    assert max(abs(cell["expected"] - cell["told"]) for cell in cells) < 1
    misses = [cell["expected"] - cell["psnr"] for cell in cells]
    text = " ".join((ROOT / "web" / "docs" / "TapCalibrate.md").read_text(encoding="utf-8").split())
    assert "within 1 dB on other pictures at 50 euler steps" in text
    worst = max(cell["expected"] - cell["worst"] for cell in cells)
    assert (f"was up to {max(misses):.0f} dB lower or {-min(misses):.0f} higher in the mean of eight, and "
            f"{worst:.0f} lower in the worst") in text


def test_calibrating_takes_a_small_part_of_the_runs_that_it_reads() -> None:
    for row in found("calibration")["rows"]:
        if "seconds" in row:
            shares = [taken / (int(runs) * row["seconds"]["full"]) for runs, taken in row["seconds"]["read"].items()]
            assert max(shares) < 0.1, row["model"]
