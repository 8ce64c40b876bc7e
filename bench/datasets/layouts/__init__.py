"""How people keep pictures in classes: a module for each family of layouts, and what all answer.

A further layout is a module with `find` and an entry in FAMILIES.
"""

from __future__ import annotations

from bench.datasets.layouts import array_files, class_folders, idx_files, named_pictures, tables
from bench.datasets.layouts.classified import Classified
from bench.datasets.listing import Folder

FAMILIES = (idx_files.find, array_files.find, tables.find, class_folders.find, named_pictures.find)


def find(root: Folder) -> list[Classified]:
    """All sets of classified pictures below a folder, the whole ones first."""
    found = [each for family in FAMILIES for each in family(root)]
    return sorted(found, key=lambda each: each.problem is not None)
