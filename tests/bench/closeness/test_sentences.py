"""What is said of wishes and of rivals is what the results show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import mean

import pytest

from closeness import command, rivals, rivals_table, tables
from closeness.courses import DEFAULT, WISHES
from figures.page import read_results
from figures.readme_blocks import blocks
from models.demo_stage import fingerprint
from models.stage import MODELS

ROOT = Path(__file__).resolve().parents[3]
README, PAGE = "README.md", "bench/closeness/README.md"
WEIGHTS = ROOT / "bench" / "models" / "weights"
ROWS, RIVALS = command.kept()["rows"], rivals.kept()["rows"]


def text_of(file: str) -> str:
    """A page without its line breaks."""
    return " ".join((ROOT / file).read_text(encoding="utf-8").split())


def rows_of(model: str) -> list[dict]:
    """The rows of a model."""
    return [row for row in ROWS if row["model"] == model]


def pictures() -> str:
    """How many pictures the rows of each model have."""
    count, = {tables.pictures_of(ROWS, model) for model in MODELS}
    return f"{count} pictures of each model"


def shares(model: str) -> str:
    """The least and the largest share of pictures as asked, of the four qualities."""
    found = []
    for quality in WISHES:
        off = tables.misses(rows_of(model), quality)
        found.append(100 * sum(-tables.CLOSER <= miss <= tables.FARTHER for miss in off) / len(off))
    return f"{min(found):.0f} to {max(found):.0f} %"


def too_far(model: str, without: str = "") -> int:
    """How many pictures of a model are over 6 dB farther off than asked, but for a sampler's."""
    rows = [row for row in rows_of(model) if row["sampler"] != without]
    return sum(miss > tables.FAR for quality in WISHES for miss in tables.misses(rows, quality))


def over_fixed() -> str:
    """How far the worst picture is above that of a fixed number, in the mean of all courses; and in how many it is."""
    found = [gap for row in ROWS for quality in WISHES if (gap := tables.over_fixed(row, quality)) is not None]
    return f"in {sum(gap > 0 for gap in found)} of {len(found)} cases, and {mean(found):+.1f} dB in the mean"


def under(model: str) -> str:
    """In how many courses some picture at the default is under 36 dB, of those with skipped steps."""
    found = [row["qualities"][DEFAULT] for row in rows_of(model)
             if mean(row["qualities"][DEFAULT]["calls"]) < row["steps"]]
    return f"{sum(min(score['psnr']) < 36 for score in found)} of {len(found)}"


def of_models(found: Callable[[str], object]) -> str:
    """Of all models in their order."""
    return "*demo* {}, *words* {}, *balls* {}".format(*map(found, MODELS))


def closest() -> str:
    """In how many courses the default is closer than all others with as many calls."""
    cells = rivals_table.compared(RIVALS)
    return f"{sum(not rivals_table.closer(row) for row in cells)} of {len(cells)} courses"


def ahead() -> int:
    """In how many it is closer than all that are not this pack's own."""
    return sum(not rivals_table.others_closer(row) for row in rivals_table.compared(RIVALS))


def fixed_is_closer(row: dict) -> bool:
    """Whether as many fixed steps are closer."""
    return rivals_table.FIXED in rivals_table.closer(row) if len(row["scores"]) > 1 else False


def over(row: dict, name: str) -> float:
    """How far the default is above another in the mean."""
    return rivals_table.mean_psnr(row["scores"][DEFAULT]) - rivals_table.mean_psnr(row["scores"][name])


def fixed() -> list[float]:
    """How far as many fixed steps are above the default, where they are."""
    return [-over(row, rivals_table.FIXED) for row in RIVALS if fixed_is_closer(row)]


def others() -> list[float]:
    """How far the default is above the best that is not this pack's own, where it is above."""
    cells = [row for row in rivals_table.compared(RIVALS) if not rivals_table.others_closer(row)]
    return [min(over(row, name) for name, score in row["scores"].items()
                if name not in (DEFAULT, rivals_table.FIXED) and rivals_table.compares(row, score)) for row in cells]


def margins(found: Callable[[], list[float]]) -> str:
    """The least and the most."""
    return f"{min(found()):.1f} to {max(found()):.1f}"


def at_50() -> dict[str, dict]:
    """The scores of *words* at 50 steps."""
    return next(row["scores"] for row in RIVALS if (row["model"], row["steps"]) == ("words", 50))


def below_plain() -> str:
    """In how many cases the worst picture of a quality is less close than that of as many plain steps, and how far."""
    counted = [(row, score, str(round(mean(score["calls"])))) for row in ROWS for score in row["qualities"].values()]
    off = [row["plain"][calls]["worst"] - min(score["psnr"]) for row, score, calls in counted
           if calls in row["plain"] and int(calls) < row["steps"]]
    return f"in {sum(each > 0.5 for each in off)} of {len(off)} cases by more than 0.5 dB, {max(off):.1f} at most"


SENTENCES: list[tuple[str, Callable[[], str]]] = [
    (README, lambda: f"over {pictures()}, that nothing was tuned on"),
    (PAGE, lambda: f"that was asked for: {of_models(shares)}"),
    (PAGE, lambda: f"over 6 dB too far off: {of_models(too_far)}"),
    (PAGE, lambda: f"is closer {over_fixed()}"),
    (PAGE, lambda: f"worst picture is less close than that of as many plain steps {below_plain()}"),
    (PAGE, lambda: f"under 36 dB: {of_models(under)}"),
    (PAGE, lambda: f"is the closest of all in {closest()}, and closer than what others make in {ahead()}, by "
                   f"{margins(others)} dB in the mean"),
    (PAGE, lambda: f"own *fixed* is closer in {sum(map(fixed_is_closer, RIVALS))}, by {margins(fixed)} dB"),
    (PAGE, lambda: "the worst picture of *close* has {:.1f} dB, of *fixed* {:.1f}, and of Spectrum "
                   "{:.1f}.".format(*(min(at_50()[name]["psnr"]) for name in (DEFAULT, "fixed", "Spectrum")))),
]


@pytest.mark.parametrize(("file", "words"), SENTENCES)
def test_figures_in_a_text_are_those_of_the_results(file: str, words: Callable[[], str]) -> None:
    assert words() in text_of(file)


def test_on_words_nearly_only_uni_pc_is_too_far_off() -> None:
    others = too_far("words", without="uni_pc")
    but = f"all but {others}" if others else "all"
    assert f"those of *words* are {but} under uni_pc" in text_of(PAGE)
    assert others < 0.1 * too_far("words")


def test_the_page_says_of_which_models_the_weights_were_others() -> None:
    others = [f"*{name}*" for name in ("words", "balls")
              if read_results(f"closeness_{name}")["weights"] != fingerprint(WEIGHTS / f"{name}.safetensors")]
    said = f"The rows of {' and '.join(others)} are of earlier weights" if others else ""
    assert said in text_of(PAGE) and ("of earlier weights" in text_of(PAGE)) == bool(others)


def test_the_table_of_rivals_is_that_of_the_results() -> None:
    assert blocks()["closeness_rivals"] == rivals_table.markdown({"rows": RIVALS})
