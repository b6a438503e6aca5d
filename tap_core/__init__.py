"""The Token-Adaptive Predictor: forecast a diffusion transformer's skipped steps token by token. Needs only torch."""
