"""The embedded demo: procedural scenes, a small autoencoder and a small FLUX trained on them."""
