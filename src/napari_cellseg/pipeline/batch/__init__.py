"""Many files at once: a folder, a plate or a list, on this computer or on a cluster."""

from napari_cellseg.pipeline.batch.items import Item, items_in
from napari_cellseg.pipeline.batch.job import BatchJob
from napari_cellseg.pipeline.batch.outcome import Outcome
from napari_cellseg.pipeline.batch.run import BatchResult, predict_batch
from napari_cellseg.pipeline.batch.workers import WorkersPlan

__all__ = ["BatchJob", "BatchResult", "Item", "Outcome", "WorkersPlan", "items_in", "predict_batch"]
