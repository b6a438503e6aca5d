"""Shows the demo's model files to ComfyUI's stock loaders."""

from pathlib import Path

import folder_paths

DEMO_MODELS = Path(__file__).resolve().parents[2] / "demo" / "models"


def register_demo_models() -> None:
    """Add the demo folders behind the artist's own: their default place for downloads stays what it was."""
    for kind in ("diffusion_models", "vae"):
        folder_paths.add_model_folder_path(kind, str(DEMO_MODELS / kind))
