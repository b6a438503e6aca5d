"""Runs the demo workflow on a real server without TAP and with TAP, with the same seed, and writes down the results."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from .client import PromptRun, run_prompt
from .measure import Comparison
from .prepare import ROOT
from .problem import Problem
from .prompts import FILM, FRAMES, PICTURE, SAMPLER, fill_defaults, stock_prompt, tap_prompt, with_views
from .server import Server, running_server

OUTPUT = ROOT / "output"
NODES = ("TapAccelerate", "TapChoiceMap", "TapReport", "TapDemoScene")


def compare(comfyui: Path, options: argparse.Namespace) -> int:
    """The whole demo; the result is in `output/`."""
    # ComfyUI's old cache forgets what the last prompt did not use, so stock and TAP in turn really run each time.
    with running_server(comfyui, ROOT, OUTPUT / "server", options.port, ["--cache-classic"]) as server:
        known = server.get("/object_info")
        check_nodes(server, known)
        comparison = run_in_turn(server, known, options)
        save(server, comparison)
        print(comparison.summary())
        print(f"\nPictures, choice map and report are in {OUTPUT}")
        if options.serve:
            keep_up(server)
    return 0


def wish(options: argparse.Namespace) -> dict:
    """What is asked of TAP Accelerate."""
    return {"quality": options.quality} if options.interval is None else {
        "quality": "fixed", "interval": options.interval}


def check_nodes(server: Server, known: dict) -> None:
    """Raises Problem, which names the server's log, if the server could not load the pack."""
    missing = [name for name in NODES if name not in known]
    if missing:
        raise Problem(f"ComfyUI runs, but does not know {', '.join(missing)}: {server.log} says why.")


def run_in_turn(server: Server, known: dict, options: argparse.Namespace) -> Comparison:
    """Runs stock and TAP in turn, after a short run of each that loads the model and is not timed."""
    prompts = {
        "stock": stock_prompt(options.seed, options.steps),
        "TAP": with_views(tap_prompt(options.seed, options.steps, **wish(options))),
    }
    short = [stock_prompt(options.seed, steps=2, prefix="short"), tap_prompt(options.seed, steps=8, prefix="short")]
    for prompt in short:
        run_prompt(server.url, fill_defaults(prompt, known), "warm-up")
    runs: dict[str, list[PromptRun]] = {name: [] for name in prompts}
    for _ in range(options.runs):
        for name, prompt in prompts.items():
            runs[name].append(run_prompt(server.url, fill_defaults(prompt, known), name.rjust(7)))
            print(f"  {name:>5}  {runs[name][-1].seconds_in(SAMPLER):6.2f} s in the sampler", flush=True)
    return Comparison(options, runs)


def save(server: Server, comparison: Comparison) -> None:
    """Writes both pictures, the choice map as frames and as a film, and the report."""
    stock, tap = comparison.best("stock").outputs, comparison.best("TAP").outputs
    comparison.stock = server.fetch(stock[PICTURE]["images"][0])
    comparison.tap = server.fetch(tap[PICTURE]["images"][0])
    (OUTPUT / "stock.png").write_bytes(comparison.stock)
    (OUTPUT / "tap.png").write_bytes(comparison.tap)
    (OUTPUT / "choice_map.webp").write_bytes(server.fetch(tap[FILM]["images"][0]))
    frames = OUTPUT / "choice_map"
    frames.mkdir(exist_ok=True)
    for old in frames.glob("*.png"):
        old.unlink()
    for index, image in enumerate(tap[FRAMES]["images"]):
        (frames / f"{index:03d}.png").write_bytes(server.fetch(image))
    text = f"{comparison.summary()}\n\n{comparison.report_text()}\n"
    (OUTPUT / "report.txt").write_text(text, encoding="utf-8")
    (OUTPUT / "report.json").write_text(json.dumps(comparison.as_json(), indent=1), encoding="utf-8")


def keep_up(server: Server) -> None:
    """Waits until Ctrl-C or until the server ends."""
    print(f"\nComfyUI is at {server.url} (Ctrl-C ends it). Templates > tap-accelerate > 01 Try it opens the workflow.")
    try:
        while server.process.poll() is None:
            time.sleep(0.5)
    except KeyboardInterrupt:
        print("\nEnding ComfyUI.")
