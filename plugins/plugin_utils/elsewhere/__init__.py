"""A plan for a machine that is not here: one that is named, or one that a doctor's bundle tells.

`python -m plugins.plugin_utils.elsewhere --host ubuntu-24.04 --gpu "RTX 5090"`, or `./run plan`.
Nothing is looked at or changed.
"""
