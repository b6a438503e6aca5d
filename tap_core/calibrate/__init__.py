"""Where the full steps of a run help most, found in runs that were computed in full."""
