"""Predicting with saved networks, and judging them: `python -m bench predict` and `evaluate`."""
