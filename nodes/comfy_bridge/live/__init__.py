"""Plans and events of a run, for the browser."""
