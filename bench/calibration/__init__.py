"""What calibrating takes, and what its estimate is worth."""

from models.pack import load_pack

load_pack()
