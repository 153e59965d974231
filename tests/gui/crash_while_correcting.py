"""Correct labels in a real viewer, then die without warning; run by test_correct_step.py."""

import os
import signal
import sys
from pathlib import Path

import napari

from napari_cellseg.data.project import Study, open_label_movie
from napari_cellseg.label import edit
from napari_cellseg.live.correcting import copy_labels, open_corrections
from napari_cellseg.progress import follow
from napari_cellseg.ui.corrections import Corrections


def main(folder: Path) -> None:
    study = Study.open(folder)
    follow(copy_labels(study.labels_auto, study.labels_corrected))
    opened = follow(open_corrections(None, study.labels_corrected, study.journal))
    movie = open_label_movie(opened.labels)
    viewer = napari.Viewer(show=False)
    layer = viewer.add_labels(movie)
    corrections = Corrections(layer, movie, 0, opened.journal)
    corrections.do(edit.delete(movie[0], 1, frame=0))
    corrections.do(edit.delete(movie[1], 2, frame=1))
    corrections.undo()
    viewer.dims.set_current_step(0, 3)
    layer.brush_size = 5
    layer.paint((3, 60, 75), 99)
    corrections.flush()
    sys.stdout.write("edits done")
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
