"""A skipped step of the engine by itself."""

from models.pack import load_pack

load_pack()
