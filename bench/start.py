"""Starts a module of this folder: `python bench/start.py cost.command`, after it the options.

Python puts the folder of this file on its path, so modules import each other as `cost.operations`. The repository's
root is never on it: our `nodes/` would hide ComfyUI's `nodes.py`.
"""

import importlib
import sys

if __name__ == "__main__":
    module, *arguments = sys.argv[1:]
    importlib.import_module(module).run(arguments)
