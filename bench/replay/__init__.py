"""What it costs that the sampler goes again."""

from models.pack import load_pack

load_pack()
