"""The record: what a run found, typed (`model`), written as it grows (`store`), read (`codec`)."""
