"""The paper's protocol with your model: a list of prompts, each computed in full and with TAP at some intervals.

Figures a picture: ImageReward, CLIP score, LPIPS (where their packages are installed), PSNR and SSIM against the same
seed's full picture, seconds. One CSV row a picture; started again it carries on. `--model demo` takes the demo model.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from tqdm import tqdm

from figures.jobs import Job, Runner, here
from figures.places import OUTPUT
from figures.results_file import write_results
from figures.row_file import RowFile
from real.image_metrics import METRICS, usable
from real.shot import COLUMNS, FLOOR, KEY, METHODS, STOCK

PROMPTS = Path(__file__).with_name("prompts.csv")
PICTURES = OUTPUT / "real"
# What decides about a picture, apart from prompt and seed.
SETUP = ("model", "vae", "text_encoder", "kind", "size", "steps", "cfg", "guidance", "sampler", "scheduler")
FIGURES = ("full_steps", "seconds", "speed_up", *(metric.name for metric in METRICS), "latent_error")


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    """The options as typed; files that are not there end the program."""
    parser = argparse.ArgumentParser(prog="bench/run.py real", description=__doc__)
    parser.add_argument("--model", required=True, help="the diffusion model's file, or demo")
    parser.add_argument("--vae", help="its file")
    parser.add_argument("--text-encoder", nargs="+", default=[], help="their files")
    parser.add_argument("--kind", default="flux", help="type of the text encoders, as in ComfyUI's loader")
    parser.add_argument("--prompts", type=Path, default=PROMPTS,
                        help="CSV with the columns Prompts and Category, as DrawBench's (default: a dozen of our own)")
    parser.add_argument("--count", type=int, help="only the first so many prompts")
    parser.add_argument("--intervals", type=int, nargs="+", default=[5, 8], help="N, several for several speeds")
    parser.add_argument("--methods", choices=METHODS, nargs="+", default=list(METHODS))
    parser.add_argument("--floor", type=int, default=3, help="prompts that are also computed from another seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=None, help="pixels of a side (1024; demo: 256)")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--cfg", type=float, default=None, help="(1; demo: 2)")
    parser.add_argument("--guidance", type=float, default=3.5, help="embedded, for models that take it")
    parser.add_argument("--sampler", default="euler")
    parser.add_argument("--scheduler", default="simple")
    parser.add_argument("--threads", type=int, help="of the processor")
    parser.add_argument("--metrics", choices=[metric.name for metric in METRICS], nargs="+",
                        default=[metric.name for metric in METRICS], help="only these")
    parser.add_argument("--output", type=Path, default=PICTURES)
    options = parser.parse_args(arguments)
    demo = options.model == "demo"
    options.size = options.size or (256 if demo else 1024)
    options.cfg = options.cfg if options.cfg is not None else 2.0 if demo else 1.0
    if not demo and (not options.vae or not options.text_encoder):
        parser.error("a model file needs --vae and --text-encoder too")
    files = [options.prompts, *([] if demo else [options.model, options.vae, *options.text_encoder])]
    for file in files:
        if not Path(file).is_file():
            parser.error(f"{file} is no file")
    return options


def read_prompts(file: Path) -> list[tuple[str, str]]:
    """(prompt, category) of each row; tabs or commas between columns, the category may be missing."""
    text = file.read_text(encoding="utf-8-sig")
    delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
    found = list(csv.DictReader(text.splitlines(), delimiter=delimiter))
    if not found or "Prompts" not in found[0]:
        raise SystemExit(f"{file.name} has no column called Prompts: its first line has to name the columns, as in "
                         "DrawBench: Prompts,Category.")
    return [(row["Prompts"], row.get("Category") or "") for row in found if row["Prompts"]]


def jobs_of(options: argparse.Namespace, metrics: Sequence[str], rows: RowFile) -> list[Job]:
    """A job a prompt, with those of its pictures that are missing."""
    values = {name: getattr(options, name) for name in SETUP}
    # Two set-ups may share a file of rows.
    setup = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:10]
    settings = [(method, interval) for interval in options.intervals for method in options.methods]
    jobs = []
    for index, (prompt, category) in enumerate(read_prompts(options.prompts)[: options.count]):
        floor = [(FLOOR, 1)] if index < options.floor else []
        base = {"index": index, "seed": options.seed, "setup": setup}
        wanted = [(method, interval) for method, interval in [(STOCK, 1), *floor, *settings]
                  if not rows.has({**base, "method": method, "interval": interval})]
        if wanted:
            jobs.append({**base, "work": "real.shot.rows", "name": prompt, "prompt": prompt, "category": category,
                         "model": values, "metrics": list(metrics), "wanted": wanted, "threads": options.threads,
                         "pictures": str(options.output.resolve() / "pictures")})
    return jobs


def summary(rows: Sequence[dict[str, str]]) -> list[dict[str, object]]:
    """Means over the prompts, a row a method and interval; None where a figure has no value."""
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault((row["method"], row["interval"]), []).append(row)
    found = []
    for (method, interval), members in groups.items():
        values = {name: [float(row[name]) for row in members if row[name] != ""] for name in FIGURES}
        found.append({"method": method, "interval": int(interval), "pictures": len(members),
                      **{name: mean(value) if value else None for name, value in values.items()}})
    last = {STOCK: 0, FLOOR: 2}
    return sorted(found, key=lambda row: (last.get(row["method"], 1), row["method"], row["interval"]))


def markdown(found: Sequence[dict[str, object]]) -> str:
    """The summary as a table; figures that were not computed are left out."""
    shown = [name for name in FIGURES if any(row[name] is not None for row in found)]
    lines = [f"| method | N | pictures | {' | '.join(name.replace('_', ' ') for name in shown)} |",
             "|---" * (len(shown) + 3) + "|"]
    for row in found:
        cells = " | ".join("" if row[name] is None else f"{row[name]:.4g}" for name in shown)
        lines.append(f"| {row['method']} | {row['interval']} | {row['pictures']} | {cells} |")
    return "\n".join(lines)


def run(arguments: Sequence[str], runner: Runner = here) -> list[dict[str, object]]:
    """Whatever is missing, then the summary; the runner says where the jobs run."""
    options = read_options(arguments)
    metrics = usable(options.metrics)
    rows = RowFile(options.output / "pictures.csv", COLUMNS, KEY)
    jobs = jobs_of(options, metrics, rows)
    with tqdm(total=sum(len(job["wanted"]) for job in jobs), unit="picture") as bar:
        for row in runner(jobs):
            rows.add(row)
            bar.update()
    found = summary(rows.rows)
    write_results("real", arguments, {"rows": found}, options.output)
    tell(found, options.output)
    return found


def tell(found: Sequence[dict[str, object]], output: Path) -> None:
    """Prints the summary, and writes it beside the rows."""
    (output / "real.md").write_text(markdown(found) + "\n", encoding="utf-8")
    print(markdown(found))
