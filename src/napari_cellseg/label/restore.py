"""Opening corrected labels, whatever a crash left behind; `label.history` tells why that is right."""

from __future__ import annotations

from pathlib import Path

from napari_cellseg.data.project import open_label_movie
from napari_cellseg.label.compact import LONGEST, compact
from napari_cellseg.label.guard import forget, put_back
from napari_cellseg.label.journal import Journal
from napari_cellseg.label.person import person


def restored(labels: Path, journal: Path) -> Journal:
    """Bring labels to where their journal ends, whatever a crash left behind.

    Parameters
    ----------
    labels : Path
        The file of the corrected labels.
    journal : Path
        Where corrections were written down.

    Returns
    -------
    Journal
        Ready for further corrections.
    """
    movie = open_label_movie(labels)
    book = Journal(journal, movie.shape, person())
    put_back(labels, movie)
    book.replay(movie)
    movie.flush()  # type: ignore[attr-defined]
    forget(labels)
    if book.n_done > LONGEST and compact(book) is not None:
        return Journal(journal, movie.shape, person())
    return book
