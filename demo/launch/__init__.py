"""Sets up a ComfyUI with only this pack and talks to it; until it is there, only the standard library is used."""
