"""One page an architecture."""
