"""The predictors, one file each."""
