"""Where the full steps of a run help most, found in measured runs."""
