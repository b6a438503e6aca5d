"""Full-size models with random weights, run on the processor from files that ComfyUI's own loader loads."""

from models.pack import load_pack

load_pack()
