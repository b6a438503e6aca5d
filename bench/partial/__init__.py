"""What it is worth to compute some of the tokens of a step."""

from models.pack import load_pack

load_pack()
