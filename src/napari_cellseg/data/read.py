"""All that reads, in one place: stacks, labels, pairs, and how files are understood."""

from __future__ import annotations

from napari_cellseg.data.inspect import Inspection, inspect, stack_lines, thumbnails
from napari_cellseg.data.labels import read_labels
from napari_cellseg.data.match import bare_stem, match_by_stem, stem_of
from napari_cellseg.data.opening import open_stack, open_stacks
from napari_cellseg.data.pairing import pair, pair_by_name

__all__ = [
    "Inspection",
    "bare_stem",
    "inspect",
    "match_by_stem",
    "open_stack",
    "open_stacks",
    "pair",
    "pair_by_name",
    "read_labels",
    "stack_lines",
    "stem_of",
    "thumbnails",
]
