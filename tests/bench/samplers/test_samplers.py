"""The study of samplers: its rule, its tables, and that the figures of an older version are of the same pictures."""

from __future__ import annotations

from itertools import pairwise

from samplers import again, cells, changed, command
from samplers.cell_rows import below


def row(on: tuple[float, float], off: tuple[float, float] = (40.0, 35.0), sampler: str = "euler", cfg: float = 1.0
        ) -> dict:
    """A row with these means and worst pictures."""
    scores = {name: {"psnr": psnr, "worst": worst} for name, (psnr, worst) in (("on", on), ("off", off))}
    return {"model": "words", "sampler": sampler, "cfg": cfg, "steps": 20, "interval": 2, "warmup": 1, "calls": 10,
            **scores}


def test_the_rule_is_broken_by_the_mean_or_by_the_worst_picture() -> None:
    kept, mean_lower, worst_lower = row((39.8, 34.1)), row((39.6, 35.0)), row((45.0, 33.9))
    assert below([kept, mean_lower, worst_lower]) == [mean_lower, worst_lower]


def test_the_table_of_gains_has_what_was_measured_and_counts_the_cells_below_the_rule() -> None:
    lines = command.gain_table([row((43.0, 38.0)), row((39.0, 35.0), cfg=2.0), row((41.5, 36.0), sampler="heun")])
    assert "| euler | +3.0 / -1.0 |" in lines and "| heun | +1.5 / - |" in lines and "| lcm | - / - |" in lines
    assert lines[-1] == "| cells in which repaying costs more than the rule allows | 1 of 3 |"


def test_cells_of_the_same_full_pictures_follow_each_other() -> None:
    courses = [(cell.steps, cell.sampler, cell.cfg) for cell in cells.cells()]
    changes = sum(one != other for one, other in pairwise(courses))
    assert changes == len(set(courses)) - 1


def test_cells_can_be_chosen_by_sampler_and_steps() -> None:
    some = list(cells.cells(["euler", "heun"], [8]))
    assert {cell.sampler for cell in some} == {"euler", "heun"} and {cell.steps for cell in some} == {8}
    assert len(some) == 2 * len(cells.GUIDANCE)


def test_of_two_sets_of_pictures_a_cell_has_the_mean_and_the_worst_of_all() -> None:
    first, other = row((45.0, 40.0), (44.0, 39.0)), row((41.0, 33.0), (42.0, 38.0))
    both = again.together(first, other)
    assert both["on"] == {"psnr": 43.0, "worst": 33.0} and both["off"] == {"psnr": 43.0, "worst": 38.0}


def test_cells_are_counted_in_each_set_in_both_and_in_all() -> None:
    lost, won = row((41.0, 33.0), (42.0, 38.0)), row((45.0, 40.0), (44.0, 39.0))
    table = again.markdown({"first": [lost, won, lost], "rows": [lost, lost, won]})
    for label, count in (("the study's 8 pictures", 2), ("8 others", 2), ("one set and the other", 1),
                         ("all 16 as one set", 3)):
        assert f"| {label} | {count} |" in table, table


class Prompts:
    """A stage of which only the prompts are there."""

    def prompt(self, number: int) -> tuple[list, list]:
        return [[number, {"more": 1}]], [[0, {}]]


def test_the_second_prompt_takes_over_where_the_first_one_ends_and_nothing_stays_behind() -> None:
    stage = Prompts()
    with changed.two_prompts(stage, 0.3):
        (one, other), negative = stage.prompt(7)
    assert one == [7, {"more": 1, "start_percent": 0.0, "end_percent": 0.3}]
    assert other == [7 + changed.OTHER, {"more": 1, "start_percent": 0.3, "end_percent": 1.0}]
    assert negative == [[0, {}]] and stage.prompt(7)[0] == [[7, {"more": 1}]]
