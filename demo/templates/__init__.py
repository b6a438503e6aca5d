"""The workflows under ComfyUI's *Templates*: written here once, as code; `demo/write_templates.py` makes the files."""
