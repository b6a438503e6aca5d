"""The demo model: drawn scenes, and a small autoencoder and a small FLUX that were trained on them."""
