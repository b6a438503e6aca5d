"""A skipped step of the engine alone."""

from models.pack import load_pack

load_pack()
