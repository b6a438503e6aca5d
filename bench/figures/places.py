"""Where things lie in the repository."""

from pathlib import Path

BENCH = Path(__file__).resolve().parents[1]
ROOT = BENCH.parent
RESULTS = BENCH / "results"
# What is made and not kept in the repository.
OUTPUT = ROOT / "output"
