"""The parent's side of a run: trains each row in a fresh worker and records what came of it."""
