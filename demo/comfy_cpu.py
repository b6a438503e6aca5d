"""Makes ComfyUI's own classes importable for training: from COMFYUI_PATH, else from .comfyui next to demo/."""

import os
import sys
from pathlib import Path


def use_comfy() -> None:
    """Puts ComfyUI on the path, on the CPU, so that its weights can have gradients."""
    path = os.environ.get("COMFYUI_PATH", str(Path(__file__).parents[1] / ".comfyui"))
    if path not in sys.path:
        sys.path.insert(0, path)
    from comfy.cli_args import args

    args.cpu = True
    import comfy.model_management

    comfy.model_management.in_training = True
