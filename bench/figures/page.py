"""What a study shows of its figures: a table in its README, and plots."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from figures.places import RESULTS
from figures.readme_blocks import put_block
from figures.results_file import write_results


def read_results(name: str, folder: Path | None = None) -> dict:
    """What a file of results holds, in bench/results if in no other folder; no rows where it is missing."""
    file = (folder or RESULTS) / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"rows": []}


@dataclass(frozen=True)
class Page:
    """name: the study's. markdown: from figures to the table. draw: makes plots of the figures in a folder.

    read: gives the figures that are kept, if they are not in one file.
    """

    name: str
    markdown: Callable[[dict], str]
    draw: Callable[[dict, Path], object] = lambda found, folder: None
    read: Callable[[], dict] | None = None

    def parser(self, about: str) -> argparse.ArgumentParser:
        """For the command's options."""
        parser = argparse.ArgumentParser(prog=f"bench/run.py {self.name.replace('_', ' ')}", description=about)
        parser.add_argument("--redraw", action=Redraw, page=self, nargs=0,
                            help="measure nothing; make table and plots of the figures in bench/results")
        return parser

    def show(self, found: dict, folder: Path = RESULTS) -> None:
        """Table and plots; the README stays as it is where the figures go to another folder."""
        self.draw(found, folder)
        if folder == RESULTS:
            put_block(self.name, self.markdown(found))

    def keep(self, arguments: Sequence[str], found: dict, folder: Path = RESULTS) -> None:
        """Write the figures down, show and print them."""
        write_results(self.name, arguments, found, folder)
        self.show(found, folder)
        print(self.markdown(found))

    def keep_each(self, arguments: Sequence[str], rows: list[dict], new: Iterable[dict], folder: Path = RESULTS
                  ) -> None:
        """Add rows to those that are kept, and write all down as soon as each is found; then show and print."""
        for row in new:
            rows.append(row)
            write_results(self.name, arguments, {"rows": rows}, folder)
        self.keep(arguments, {"rows": rows}, folder)

    def kept(self) -> dict:
        """The figures in bench/results."""
        return self.read() if self.read else read_results(self.name)


class Redraw(argparse.Action):
    """An option that shows the figures that are kept, and ends the command."""

    def __init__(self, page: Page, **others: object) -> None:
        super().__init__(**others)
        self.page = page

    def __call__(self, parser: argparse.ArgumentParser, *given: object) -> None:
        """See argparse.Action."""
        self.page.show(self.page.kept())
        parser.exit()
