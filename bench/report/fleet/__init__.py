"""The runs of many hosts beside each other: one table, and the odd one out."""
