"""Runs as flat rows for pandas, spreadsheets and issue comments: a row a training."""
