"""Models as bioimage.io packages: given to others, and taken from them without running anything of theirs."""

from napari_cellseg.learn.exchange.description import Details
from napari_cellseg.learn.exchange.export import Exported, export_model
from napari_cellseg.learn.exchange.take import import_model

__all__ = ["Details", "Exported", "export_model", "import_model"]
