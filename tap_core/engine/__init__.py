"""One condition at one step: what is kept, how candidates are scored and chosen, and the forecast."""
