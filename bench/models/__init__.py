"""The models that studies share, and how they are sampled."""
