"""One call of the diffusion model: how its blocks are reached, and its target is read and put back."""
