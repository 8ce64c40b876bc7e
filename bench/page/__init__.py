"""The page of a run: one HTML file with plots, that needs nothing else and no network."""
