"""How well the probe chooses, and what else was tried."""

from models.pack import load_pack

load_pack()
