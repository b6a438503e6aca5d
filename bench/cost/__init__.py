"""Floating point operations, against the paper's."""

from models.pack import load_pack

load_pack()
