"""The paper's ablations."""

from models.pack import load_pack

load_pack()
