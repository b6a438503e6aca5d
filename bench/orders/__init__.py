"""TAP's choice against the single orders of its own pool."""

from models.pack import load_pack

load_pack()
