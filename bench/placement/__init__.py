"""The best picture for so many model calls."""

from models.pack import load_pack

load_pack()
