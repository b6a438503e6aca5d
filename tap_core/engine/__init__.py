"""One condition at one step: its history, the scores of the candidates, the choice, and the forecast."""
