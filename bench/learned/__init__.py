"""What weights learned from runs, and sigmas moved to fit the computed steps, are worth."""

from models.pack import load_pack

load_pack()
