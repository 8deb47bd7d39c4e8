"""The evaluation run on files or on the home, and what of it may leave."""
