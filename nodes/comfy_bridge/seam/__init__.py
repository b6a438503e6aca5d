"""One call of the diffusion model: its blocks reached, its target read and put back."""
