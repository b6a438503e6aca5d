"""Sets up a ComfyUI with only this pack, starts it and talks to it; the standard library does until it is there."""
