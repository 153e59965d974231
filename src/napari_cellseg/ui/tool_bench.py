"""What lies ready for a tool of correcting: the labels, the pictures below them, and where it was put on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from napari_cellseg.data.stack import Stack
    from napari_cellseg.label.edit import Edit
    from napari_cellseg.ui.session import Session

Point = tuple[float, float]


@dataclass(frozen=True)
class Pictures:
    """The pictures that tools look at; a frame is read when it is asked for.

    Attributes
    ----------
    stack : Stack or None
        The images that the labels belong to, with one z plane.
    channel : int
        The channel whose borders count: the fluorescence while it is shown, else the label-free one.
    is_stain : bool
        Whether that is fluorescence, in which objects are bright.
    chance : array-like or None
        Probability of objects, 0 to 1, of the picture's axes; None where nothing was predicted.
    time_axis : int
        Which axis of it is time.
    """

    stack: Stack | None = None
    channel: int = 0
    is_stain: bool = False
    chance: Any = None
    time_axis: int = 0

    def image(self, t: int) -> npt.NDArray[Any]:
        """Read a frame of the channel whose borders count.

        Parameters
        ----------
        t : int
            The frame.

        Returns
        -------
        ndarray
            Axes YX.

        Raises
        ------
        RuntimeError
            There are no images; labels are not opened for correction without.
        """
        if self.stack is None:
            raise RuntimeError("There are no images")
        return self.stack.frame(t, self.channel)

    def probability(self, t: int) -> npt.NDArray[np.float32] | None:
        """Read the probability of a frame.

        Parameters
        ----------
        t : int
            The frame.

        Returns
        -------
        ndarray or None
            Axes YX, float32; None where this frame was not predicted.
        """
        if self.chance is None:
            return None
        lead = self.chance.ndim - 2
        at = tuple(t if axis == self.time_axis else 0 for axis in range(lead))
        plane = np.asarray(self.chance[at], np.float32)
        return plane if plane.any() else None  # frames that are still to come are empty

    def guide(self, t: int) -> npt.NDArray[Any] | None:
        """Read what is high within objects and low between them.

        Parameters
        ----------
        t : int
            The frame.

        Returns
        -------
        ndarray or None
            Axes YX: the probability, else the fluorescence; None where there is neither.
        """
        chance = self.probability(t)
        return self.image(t) if chance is None and self.is_stain else chance


def pictures_of(session: Session) -> Pictures:
    """Take what the session has now.

    Parameters
    ----------
    session : Session
        What the steps share.

    Returns
    -------
    Pictures
        Nothing is read yet.
    """
    stain, layer, chance = session.fluorescence_channel, session.fluorescence_layer, session.probability_layer
    shown = stain is not None and (layer is None or layer not in session.viewer.layers or layer.visible)
    return Pictures(
        session.stack,
        stain if shown and stain is not None else session.image_channel,
        shown,
        chance.data if chance is not None and chance in session.viewer.layers else None,
        session.time_axis,
    )


@dataclass(frozen=True)
class Touch:
    """Where a tool was put on.

    Attributes
    ----------
    frame : int
        The frame.
    points : tuple of tuple of float
        y and x in px of the labels, pixel centres at whole numbers: one of a click, two of two clicks, all of
        a drag.
    label : int
        What lies under the first of them: an object's number, 0 for background, -1 for an ignored region.
    shift : bool
        Whether the shift key was held.
    """

    frame: int
    points: tuple[Point, ...]
    label: int = 0
    shift: bool = False


@dataclass(frozen=True)
class Bench:
    """What lies ready for a tool.

    Attributes
    ----------
    movie : ndarray
        The labels, axes TYX. Tools run away from the window: they take frames through `labels`.
    pictures : Pictures
        The pictures below.
    protect : bool
        Whether other objects keep their pixels, as napari's "preserve labels" says.
    through : bool
        Whether the tool goes on through the following frames.
    min_area_px : float
        Objects smaller than this are too small; 0 for a tenth of the usual area in the frame.
    """

    movie: npt.NDArray[np.int32]
    pictures: Pictures
    protect: bool = False
    through: bool = False
    min_area_px: float = 0.0

    def labels(self, t: int) -> npt.NDArray[np.int32]:
        """Take a snapshot of a frame.

        Parameters
        ----------
        t : int
            The frame.

        Returns
        -------
        ndarray
            Axes YX, int32; a copy.
        """
        return np.array(self.movie[t], np.int32)


def still_fits(edit: Edit, movie: npt.NDArray[np.int32]) -> bool:
    """Say whether the labels are still what an edit was made for.

    Parameters
    ----------
    edit : Edit
        Made a while ago.
    movie : ndarray
        The labels, axes TYX.

    Returns
    -------
    bool
        False when something else changed the pixels that it would change.
    """
    y0, x0, y1, x1 = edit.bbox
    there = movie[edit.frame, y0:y1, x0:x1]
    return bool((there == edit.before)[edit.before != edit.after].all())
