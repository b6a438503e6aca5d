"""Repaying the drift under each of ComfyUI's samplers."""

from models.pack import load_pack

load_pack()
