"""Where the full steps of a run pay most, found in runs that were computed in full."""
