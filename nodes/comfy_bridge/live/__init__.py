"""What a run tells the browser."""
