"""What is said of samplers, on the study's page and on the pack's, is what the results show."""

from __future__ import annotations

from pathlib import Path

import pytest

from samplers import again, changed, command
from samplers.cell_rows import MEAN_RULE, WORST_RULE, below, key

ROOT = Path(__file__).resolve().parents[3]
PACK, STUDY = "README.md", "bench/samplers/README.md"
ROWS = command.kept()["rows"]
NOISY = ("euler_ancestral", "dpmpp_2m_sde", "er_sde", "lcm")
# These draw so much of it anew at each step that nothing, or next to nothing, is repaid.
MULTISTEP = ("dpmpp_2m", "res_multistep", "uni_pc", "ipndm", "deis")
BURIED, SHOWN = ("euler_ancestral", "dpmpp_2m_sde", "lcm"), "euler_ancestral, dpmpp_2m_sde and lcm"


def text_of(file: str) -> str:
    """A page without its line breaks."""
    return " ".join((ROOT / file).read_text(encoding="utf-8").split())


def gain(row: dict, kind: str = "psnr") -> float:
    """What repaying gains in dB, of the mean or of the worst picture."""
    return row["on"][kind] - row["off"][kind]


def gains(*samplers: str, **wanted: object) -> str:
    """The least and the most that repaying gains in the mean under these samplers, in rows with these values."""
    found = [gain(row) for row in ROWS if row["sampler"] in samplers
             and all(row[name] == value for name, value in wanted.items())]
    return f"{min(found):.1f} to {max(found):.1f} dB"


def shown(*samplers: str, **wanted: object) -> str:
    """The same with 10 of 20 steps, at CFG 1 and 2 where no other is asked for."""
    at = dict(zip(("steps", "interval"), command.SHOWN, strict=True)) | wanted
    found = [gain(row) for row in ROWS if row["sampler"] in samplers and row["cfg"] <= 2
             and all(row[name] == value for name, value in at.items())]
    return f"{min(found):.1f} to {max(found):.1f} dB"


def losses() -> str:
    """In how many cells repaying costs more of the mean than the rule allows, how much at most, and where."""
    more, worst = [row for row in ROWS if gain(row) < -MEAN_RULE], min(ROWS, key=gain)
    place = "{sampler}, {calls} of {steps} steps at CFG {cfg:g} on *{model}*".format(**worst)
    return (f"in {len(more)} of {len(ROWS)} cells the mean is more than {MEAN_RULE} dB lower, by "
            f"{-gain(worst):.1f} at most ({place})")


def worse_worst() -> str:
    """In how many cells the worst picture loses more than the rule allows, and how much at most."""
    lost = [-gain(row, "worst") for row in ROWS]
    more = sum(each > WORST_RULE for each in lost)
    return (f"in {more} the worst of 8 pictures is more than "
            f"{WORST_RULE:.0f} dB farther off, {max(lost):.1f} at most")


def aimed_at() -> str:
    """In how many cells with 10 of 20 steps, at CFG 1 and 2, a multistep sampler gains what was aimed at."""
    cells = [gain(row) for row in ROWS if row["sampler"] in MULTISTEP and row["cfg"] <= 2
             and (row["steps"], row["interval"]) == command.SHOWN]
    return f"The multistep samplers reach 4 dB in {sum(each >= 4 for each in cells)} of {len(cells)} cells"


def closer_before() -> str:
    """In how many of the cells the way before replay is closer than now."""
    now = {key(row): row["on"]["psnr"] for row in ROWS}
    found = [row["on"]["psnr"] - now[key(row)] for row in command.kept()["before"]]
    level = sum(each <= MEAN_RULE for each in found)
    return (f"In {len(found) - level} of {len(found)} cells it is closer by more than {MEAN_RULE} dB; in the "
            f"other {level} it is less close, or level")


def on_other_pictures(model: str) -> str:
    """In how many cells of a model the rule is broken with the study's pictures, with others, and with both."""
    found = again.kept()
    first, other = ([row for row in found[name] if row["model"] == model] for name in ("first", "rows"))
    twice = sum(bool(below([one]) and below([row])) for one, row in zip(first, other, strict=True))
    return (f"in {len(below(first))} cells with these pictures and in {len(below(other))} with others, in {twice} "
            "with both")


def means_of_all() -> str:
    """In how many cells of words and balls the mean of all pictures loses more than the rule allows."""
    found = again.kept()
    sums = [again.together(*pair) for pair in zip(found["first"], found["rows"], strict=True)]
    words, balls = (sum(row["model"] == model for row in again.mean_below(sums)) for model in ("words", "balls"))
    return f"The mean of all 16 loses more than {MEAN_RULE} dB in {words} cells of *words* and in {balls} of *balls*"


def where_prompts_change(way: str) -> str:
    """What repaying gains there in the mean, and in how many cells it costs more than the rule allows."""
    found = [row[way]["psnr"] - row["off"]["psnr"] for row in changed.kept()["rows"]]
    return (f"{sum(found) / len(found):.1f} dB in the mean of {len(found)} cells, and cost more than {MEAN_RULE} dB in "
            f"{sum(each < -MEAN_RULE for each in found)}")


SENTENCES = [
    (STUDY, lambda: f"repaying gained {where_prompts_change('across')}"),
    (STUDY, lambda: f"it gains {where_prompts_change('on').replace('cost', 'costs')}"),
    (STUDY, lambda: f"*words* breaks the rule {on_other_pictures('words')}"),
    (STUDY, lambda: f"*balls* {on_other_pictures('balls')}"),
    (STUDY, means_of_all),
    (STUDY, aimed_at),
    (STUDY, closer_before),
    (PACK, lambda: f"Under samplers that add noise *correction* gains little: {gains(*NOISY)} in the mean"),
    (PACK, lambda: f"*correction* can cost, under any sampler: {losses()}, and {worse_worst()}"),
    (STUDY, lambda: f"With 10 of 20 steps at CFG 1 and 2, repaying brings the picture {shown(*MULTISTEP)} closer under "
                    f"the multistep samplers, {shown('heun')} under heun, {shown('dpm_2')} under dpm_2, "
                    f"{shown('euler')} under euler and {shown('er_sde')} under er_sde"),
    (STUDY, lambda: "At CFG 1 the multistep samplers gain {} on *demo*, {} on *words* and {} on *balls*".format(*(
        shown(*MULTISTEP, cfg=1.0, model=model) for model in ("demo", "words", "balls")))),
    (STUDY, lambda: f"In {len(below(ROWS))} of {len(ROWS)} cells repaying costs more than the rule allows"),
    (STUDY, lambda: f"er_sde gains {gains('er_sde', cfg=1.0, steps=20)} in 20 steps at CFG 1"),
    (STUDY, lambda: f"{SHOWN}, which draw more anew, gain {gains(*BURIED)} in all cells"),
]


@pytest.mark.parametrize(("file", "sentence"), SENTENCES)
def test_what_is_said_is_what_the_results_show(file: str, sentence: object) -> None:
    assert sentence() in text_of(file), sentence()
