"""One sampling run: its settings, its steps and its end."""
