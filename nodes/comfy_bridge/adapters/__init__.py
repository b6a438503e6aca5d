"""One page for each architecture."""
