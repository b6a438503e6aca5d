"""What a run did, as values, as a file and in words."""
