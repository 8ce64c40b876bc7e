"""What an experiment came to: its arms, what may be said of their differences, and its table."""
