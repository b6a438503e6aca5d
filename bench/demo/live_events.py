"""What telling the browser of a run costs: seconds in the sampler's thread and in the sender's, against the sampling.

`python bench/start.py demo.live_events`, in the Python that has ComfyUI's packages. Each event is made into JSON, as
the server does it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from statistics import median

from models.demo_stage import DemoStage
from models.pack import load_pack

RUNS, STEPS = 12, 50


class Clock:
    """Seconds of one processor spent in functions that it wraps, in all threads."""

    def __init__(self) -> None:
        self.seconds, self.calls = 0.0, 0

    def __call__(self, function: Callable) -> Callable:
        """The function, timed."""

        def timed(*args: object, **kwargs: object) -> object:
            started = time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += time.thread_time() - started
                self.calls += 1

        return timed


def run(arguments: Sequence[str]) -> None:
    """Prints the shares."""
    argparse.ArgumentParser(prog="bench/start.py demo.live_events", description=__doc__).parse_args(arguments)
    load_pack()
    import torch
    from tap_pack.nodes.comfy_bridge.live import live_run as live
    from tap_pack.nodes.comfy_bridge.run.wrappers import TapPatch
    from tap_pack.tap_core.sampling.settings import TapSettings

    torch.set_num_threads(1)

    class Told(TapPatch):
        def __init__(self, settings: object, holder: object) -> None:
            super().__init__(settings, holder, node="7")

    stage = DemoStage(steps=STEPS)
    sampler, sender = Clock(), Clock()
    live.browser_of_prompt = lambda: sender(json.dumps)
    for name in ("__init__", "evaluated", "ended"):
        setattr(live.LiveRun, name, sampler(getattr(live.LiveRun, name)))
    stage.shoot(0, 0, TapSettings(), decode=False, patch=Told)
    shares = []
    for run in range(RUNS):
        sampler.seconds = sender.seconds = 0.0
        sampler.calls = sender.calls = 0
        seconds = stage.shoot(0, run, TapSettings(), decode=False, patch=Told).seconds
        shares.append((sampler.seconds / seconds, sender.seconds / seconds))
        print(f"{seconds:.2f} s sampling; {1e6 * sampler.seconds:.0f} us in its thread in {sampler.calls} calls, "
              f"{1e6 * sender.seconds:.0f} us in the sender's for {sender.calls} events")
    print(f"median share of the sampling time: its own thread {median(s for s, _ in shares):.3%}, "
          f"both {median(a + b for a, b in shares):.3%}")
