"""Train a cell-finding U-Net on your own microscope's images, in napari or headless."""

__version__ = "0.1.0"
