"""The options of `demo/run.py`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    """The options as typed; `--help` and mistakes end the program."""
    parser = argparse.ArgumentParser(
        prog="demo/run.py", description="Runs the demo model in a real ComfyUI with and without TAP; see output/."
    )
    parser.add_argument("--steps", type=positive, default=50, help="sampling steps (default %(default)s)")
    parser.add_argument("--quality", choices=("same", "close", "good", "draft"), default="close",
                        help="how close TAP's picture has to be (default %(default)s)")
    parser.add_argument("--interval", type=positive, help="instead of that, compute one step in N; 1 turns TAP off")
    parser.add_argument("--seed", type=int, default=7, help="the seed of all runs (default %(default)s)")
    parser.add_argument("--runs", type=positive, default=2, help="timed runs; the fastest counts (default %(default)s)")
    parser.add_argument("--port", type=positive, help="the port of the server (default: a free one)")
    parser.add_argument("--serve", action="store_true", help="keep the server up at the end and print its address")
    return parser.parse_args(arguments)


def positive(text: str) -> int:
    """A whole number above zero."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not above zero")
    return number
