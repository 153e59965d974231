"""The networks."""

from napari_cellseg.learn.nets.freezing import freeze_encoder
from napari_cellseg.learn.nets.zoo import MAPS, STRIDE_PX, build

__all__ = ["MAPS", "STRIDE_PX", "build", "freeze_encoder"]
