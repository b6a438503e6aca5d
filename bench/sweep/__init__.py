"""Studies on many processors."""
