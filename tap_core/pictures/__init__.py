"""Everything that is drawn from a record or from pictures."""
