"""The demo's seconds with and without TAP."""
