"""What a run's own estimate of its closeness is worth, and runs that keep to a quality."""

from models.pack import load_pack

load_pack()
