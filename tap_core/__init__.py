"""The Token-Adaptive Predictor: forecast a transformer's skipped steps token by token. Knows nothing of ComfyUI."""
