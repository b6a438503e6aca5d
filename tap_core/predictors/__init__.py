"""The predictors, one family per file, and the pool from which a run chooses."""
