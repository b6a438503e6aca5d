"""Your own model on a list of prompts."""
