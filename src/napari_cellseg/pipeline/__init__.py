"""The walk, from stacks to counts.csv: each step reads what the one before wrote.

Every step is a generator of events (see `napari_cellseg.progress.follow`) that keeps one frame in memory at a
time. The command line and scripts call these; the window takes the same steps frame by frame, see
`napari_cellseg.live`.
"""

from napari_cellseg.pipeline.correcting import learn_study
from napari_cellseg.pipeline.evaluating import evaluate_folders
from napari_cellseg.pipeline.labelling import label_stacks
from napari_cellseg.pipeline.measuring import measure_labels, origin_of
from napari_cellseg.pipeline.predicting import predict_classes, predict_into, predict_stacks
from napari_cellseg.pipeline.training import labelled_samples, train_on_labels, training_samples

__all__ = [
    "evaluate_folders",
    "label_stacks",
    "labelled_samples",
    "learn_study",
    "measure_labels",
    "origin_of",
    "predict_classes",
    "predict_into",
    "predict_stacks",
    "train_on_labels",
    "training_samples",
]
