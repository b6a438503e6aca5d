"""One command for whoever has a graphics card: seconds, memory, launches and waits, with TAP and without.

A full-size model with random weights, or your own file with --model. A row is kept as soon as it is found; started
again, the command carries on. The JSON in output/card can be sent in. --cpu tries all of it at small size.
"""

from __future__ import annotations

from pathlib import Path

import torch
from tqdm import tqdm

from figures.page import Page, read_results
from figures.places import OUTPUT
from models.pack import load_pack

MISSING = ("No graphics card was found: torch {} sees no accelerator. Where one is, this command measures it; with "
           "--cpu it tries itself on the processor, at small size.")


def has_card() -> bool:
    """Whether PyTorch can use one: NVIDIA's and AMD's are called cuda, Intel's xpu, Apple's mps."""
    return any(kind is not None and kind.is_available() for kind in (
        torch.cuda, getattr(torch, "xpu", None), getattr(torch.backends, "mps", None)))


def run(arguments: list[str]) -> None:
    """Measures what is missing, keeps each row at once, and prints."""
    parser = Page("card", lambda found: "").parser(__doc__)
    parser.add_argument("--model", type=Path, help="the file of a diffusion model, instead of random weights")
    parser.add_argument("--shape", default=None, help="name of the model whose shapes are taken (FLUX.1-dev)")
    parser.add_argument("--steps", type=int, default=None, help="of euler (50; --cpu: 12)")
    parser.add_argument("--cpu", action="store_true", help="small, on the processor: to try the command")
    parser.add_argument("--output", type=Path, default=OUTPUT / "card", help="where the figures go")
    options = parser.parse_args(arguments)
    if options.model and not options.model.is_file():
        parser.error(f"{options.model} is no file")
    if not options.cpu and not has_card():
        raise SystemExit(MISSING.format(torch.__version__))
    load_pack(cpu=options.cpu)
    from card.rows import Bench, missing
    from card.subjects import subject_of
    from card.table import markdown

    page = Page("card", markdown)
    bench = Bench(subject_of(options.model, options.shape, options.cpu), options.steps or (12 if options.cpu else 50),
                  options.cpu)
    rows = read_results("card", options.output)["rows"]
    wanted = missing(rows, bench)
    page.keep_each(arguments, rows, bench.rows(tqdm(wanted, unit="row")), options.output)
    print(f"\nTo be sent in: {options.output / 'card.json'}")
