"""The predictors, one family a file, and the pool of them that a run chooses from."""
