"""All published methods at equal numbers of full steps."""

from models.pack import load_pack

load_pack()
