"""What a model proposes, to be looked at before it is taken."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject

from napari_cellseg.label.proposals import EditFile
from napari_cellseg.ui.layers import PROPOSAL, add_labels, remove, spread
from napari_cellseg.ui.sources import over_picture

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_cellseg.ui.session import Session

_CONTOUR_PX = 2


class ProposalLayer(QObject):
    """The layer of proposals, outlines on top of the labels; frames are read as they are looked at.

    Parameters
    ----------
    session : Session
        What the steps share.
    parent : QObject, optional
        Qt's owner.
    """

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.layer: Labels | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is in the viewer."""
        return self.layer is not None and self.layer in self._session.viewer.layers

    def open(self, file: Path, shape: tuple[int, ...]) -> None:
        """Show proposals.

        Parameters
        ----------
        file : Path
            See `EditFile`.
        shape : tuple of int
            Lengths of the axes TYX of the labels.
        """
        over = over_picture(self._session)
        if over is None or self.is_open:
            return
        found = da.from_array(
            _Proposed(EditFile(file), shape), chunks=(1, *shape[1:]), name=f"proposals-{uuid.uuid4()}"
        )
        viewer = self._session.viewer
        self.layer = add_labels(viewer, spread(found, over), PROPOSAL, "proposal", over, contour=_CONTOUR_PX)
        self.layer.editable = False

    def close(self) -> None:
        """Take it away."""
        layer, self.layer = self.layer, None
        remove(self._session.viewer, layer)


class _Proposed:
    """Proposals as an array, axes TYX; frames without one are empty."""

    def __init__(self, file: EditFile, shape: tuple[int, ...]) -> None:
        self._file, self._frames = file, frozenset(file.frames)
        self.shape, self.ndim, self.dtype = shape, len(shape), np.dtype(np.int32)

    def __getitem__(self, at: tuple[Any, ...]) -> npt.NDArray[np.int32]:
        chosen = range(self.shape[0])[at[0]]
        frames = [self._frame(t) for t in ([chosen] if isinstance(chosen, int) else chosen)]
        stacked = np.stack(frames) if frames else np.zeros((0, *self.shape[1:]), np.int32)
        cut = stacked[(slice(None), *at[1:])]
        return cut[0] if isinstance(chosen, int) else cut

    def _frame(self, t: int) -> npt.NDArray[np.int32]:
        return self._file.edit(t).after if t in self._frames else np.zeros(self.shape[1:], np.int32)
