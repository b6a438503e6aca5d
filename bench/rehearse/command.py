"""A rehearsal of full-size models on a card that is not there: what a full and a skipped step ask of it, an estimate.

Every model runs in ComfyUI's own classes, samplers and conditions, on tensors that have shapes and no values, and with
every setting. A row is kept as soon as it is found; started again, the command carries on.
"""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from figures.page import Page, read_results
from figures.places import RESULTS
from figures.table import table
from rehearse.cards import CARDS
from rehearse.estimate import computed_share, faster, speed_ups
from rehearse.rows import BF16, PAPER, PAPER_STEPS, SIZES, jobs
from rehearse.settings_tables import settings_tables

GIGA = 1e9
# Nobody runs 50 steps of these.
FEW_STEPS = ("FLUX.1-schnell", "Qwen-Image-Lightning")


def markdown(found: dict) -> str:
    """What steps ask for, the estimate, and what settings change."""
    whole = [row for row in found["rows"] if not row["variant"]]
    asked = table(("model", "weights", "size", "operators of a full step, stock", "with TAP", "of a skipped step",
                   "of them TAP's", "waits at a full step", "at a skipped one", "GB at the peak, stock", "with TAP",
                   "GB of histories"), (
        (row["model"], row["weights"], row["size"], row["stock"]["operators"], row["full"]["operators"],
         row["skipped"]["operators"], row["skipped"]["ours"], len(row["waits"]["full"]), len(row["waits"]["skipped"]),
         f"{row['stock']['peak'] / GIGA:.1f}", f"{row['full']['peak'] / GIGA:.1f}",
         f"{row['histories'] / GIGA:.3f}") for row in whole))
    return "\n".join([*asked, "", "**Estimated, not measured:** how many times faster a run of 50 steps is.", "",
                      *_estimate(whole), "",
                      *settings_tables([row for row in found["rows"] if row["weights"] == BF16])])


def _estimate(whole: list[dict]) -> list[str]:
    """The table of speed-ups; a run at a quality computes as many steps as on the small models."""
    rows = ((row["model"], row["weights"], name, share, *(f"{value:.2f}" for value in values))
            for row in whole for name in row["seconds"] for share, values in [estimated(row, name)])
    paper = ("the paper, FLUX.1-dev, clock", "", "H20", "", *(f"{by_clock:.2f}" for _, by_clock in PAPER.values()), "")
    bound = ("full steps alone", "", "", "", *(f"{PAPER_STEPS / count:.2f}" for count, _ in PAPER.values()),
             f"{1 / computed_share(False):.2f}, guided {1 / computed_share(True):.2f}")
    head = ("model", "weights", "card", "a skipped step, of a full one", *(f"N = {n}" for n in PAPER), "quality close")
    return table(head, [*rows, paper, bound])


def in_short(rows: list[dict]) -> list[str]:
    """The table of the pack's own README: every model in bf16 on one card, but for those that take few steps."""
    head = ("model", "operators of a forecast step (TAP's)", "of a computed step's seconds",
            *(f"N = {n}" for n in PAPER), "quality close")
    return table(head, (
        (row["model"], f"{row['skipped']['operators']} ({row['skipped']['ours']})", share,
         *(f"{value:.1f}" for value in values)) for row in rows
        if not row["variant"] and row["weights"] == BF16 and row["model"] not in FEW_STEPS
        for share, values in [estimated(row, CARDS[0].name)]))


def estimated(row: dict, card: str) -> tuple[str, list[float]]:
    """A skipped step's share of a full one, and how many times faster runs are: by N, and at quality *close*."""
    stock, full, skipped = row["seconds"][card]
    values = [*speed_ups(stock, full, skipped).values(), faster(computed_share(row["cfg"] > 1), stock, full, skipped)]
    return f"{100 * skipped / stock:.2f} %", values


PAGE = Page("rehearse", markdown)


def run(arguments: list[str]) -> None:
    """Rehearses what is missing, keeps each row at once, and prints."""
    parser = PAGE.parser(__doc__)
    parser.add_argument("--model", nargs="*", default=[size.name for size in SIZES], help="only these")
    parser.add_argument("--anew", action="store_true", help="rows that are there, too: the code has changed")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the figures go")
    options = parser.parse_args(arguments)
    asked = [job for job in jobs() if job.size.name in options.model]
    again = {job.key for job in asked if options.anew}
    rows = [row for row in read_results("rehearse", options.output)["rows"] if key_of(row) not in again]
    done = {key_of(row) for row in rows}
    missing = [job for job in asked if job.key not in done]
    PAGE.keep_each(arguments, rows, (job.row() for job in tqdm(missing, unit="row")), options.output)


def key_of(row: dict) -> tuple[str, str, str]:
    """As a job's."""
    return row["model"], row["weights"], row["variant"]
