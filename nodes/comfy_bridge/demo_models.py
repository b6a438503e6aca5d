"""Makes the demo's model files known to ComfyUI's own loaders."""

from pathlib import Path

import folder_paths

DEMO_MODELS = Path(__file__).resolve().parents[2] / "demo" / "models"


def register_demo_models() -> None:
    """Add the demo folders after the user's own, whose default place for downloads does not change."""
    for kind in ("diffusion_models", "vae"):
        folder_paths.add_model_folder_path(kind, str(DEMO_MODELS / kind))
