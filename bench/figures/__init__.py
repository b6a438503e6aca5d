"""How figures are measured, kept and printed."""
