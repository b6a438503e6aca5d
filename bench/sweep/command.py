"""`quality` or `real` on several processors or a cluster, as Ray tasks: `sweep [sweep's options] real [its options]`.

Rows are kept as they come, so that neither a killed worker nor an interruption loses one; started again it carries on.
Without Ray, or with --workers 0, the same runs in one process.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
from collections.abc import Sequence

from figures.jobs import on_ray

SWEPT = ("quality", "real")


def run(arguments: Sequence[str]) -> object:
    """What the swept benchmark found."""
    parser = argparse.ArgumentParser(prog="bench/run.py sweep", description=__doc__)
    parser.add_argument("--workers", type=int, help="on this machine (default: one a processor); 0: no Ray")
    parser.add_argument("--address", help="of a Ray cluster, whose machines have this folder at the same place")
    parser.add_argument("--threads", type=int, default=1, help="of each worker")
    parser.add_argument("name", choices=SWEPT)
    parser.add_argument("options", nargs=argparse.REMAINDER, help="those of the benchmark")
    options = parser.parse_args(arguments)
    # Only this one: each decides for itself whether it uses a graphics card.
    swept = importlib.import_module(f"{options.name}.command").run
    if options.workers == 0:
        return swept(options.options)
    if importlib.util.find_spec("ray") is None:
        print("Ray is not installed (pip install ray): the sweep runs in one process.")
        return swept(options.options)
    with on_ray(options.workers, options.address, options.threads) as runner:
        return swept(options.options, runner)
