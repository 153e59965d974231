"""Taking the mark off an ignored region by pointing at it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_cellseg.data.samples import IGNORE
from napari_cellseg.errors import InputError
from napari_cellseg.label.change import Edit, Frame, box_of, cut_out
from napari_cellseg.label.pick import pixel_at


def unignore_at(labels: Frame, point: npt.ArrayLike, *, frame: int = 0, who: str = "") -> Edit:
    """Take the mark off the ignored region at a point.

    Parameters
    ----------
    labels : ndarray
        Axes YX, integer.
    point : array-like
        y and x in px, pixel centres at whole numbers.
    frame : int
        The frame's number, for the record.
    who : str
        Who does it, for the record.

    Returns
    -------
    Edit
        The pixels of the region become background; pixels that share a side or a corner are one region.

    Raises
    ------
    InputError
        The point is outside the frame, or not in an ignored region.
    """
    y, x = pixel_at(point, labels.shape)
    if labels[y, x] != IGNORE:
        raise InputError(
            "There is no ignored region here", "", "Click a hatched region, or draw around what to ignore"
        )
    pieces, _ = ndi.label(labels == IGNORE, structure=np.ones((3, 3)))
    region = pieces == pieces[y, x]
    box = box_of(region) or (y, x, y + 1, x + 1)  # the pixel itself belongs to it
    before = cut_out(labels, box)
    y0, x0, y1, x1 = box
    return Edit("unignore", frame, box, before, np.where(region[y0:y1, x0:x1], 0, before), who)
