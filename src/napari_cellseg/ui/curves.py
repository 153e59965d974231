"""What one watches while a network learns: curves of loss and IoU, and pictures of validation frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from napari_cellseg.ui.plots import FOUND, ThemedPlot

_PICTURE_PX = 104


class LearningCurves(QWidget):
    """Loss of training and validation, and IoU of validation, epoch by epoch.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose theme the plots wear.
    parent : QWidget, optional
        Its parent.
    """

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._epochs: list[int] = []
        self._train_losses: list[float] = []
        self._val_losses: list[float] = []
        self._ious: list[float] = []
        self._loss_plot = ThemedPlot(viewer, "", "loss", 104)
        self._iou_plot = ThemedPlot(viewer, "epoch", "IoU", 118)
        self._loss_plot.addLegend(offset=(-4, 2), labelTextSize="8pt", verSpacing=-6)
        self._iou_plot.setYRange(0, 1, padding=0.08)
        self._iou_plot.setXLink(self._loss_plot)
        self._loss_plot.getAxis("bottom").setStyle(showValues=False)
        self._train = self._loss_plot.add_curve("training", "text", Qt.PenStyle.DashLine)
        self._val = self._loss_plot.add_curve("validation", "current", Qt.PenStyle.SolidLine)
        self._iou = self._iou_plot.add_curve("", "current", Qt.PenStyle.SolidLine)
        self._best = pg.InfiniteLine(
            angle=90, pen=pg.mkPen(FOUND, style=Qt.PenStyle.DotLine, width=2), label="best"
        )
        self._best.label.setPosition(0.15)
        self._iou_plot.dress_with(lambda: self._best.label.setColor(self._iou_plot.colour("text")))
        self._best.hide()
        self._iou_plot.addItem(self._best)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._loss_plot)
        layout.addWidget(self._iou_plot)
        self._loss_plot.setToolTip(
            "How wrong the network is on the frames it learns from, and on the ones kept aside. "
            "When validation rises while training falls, it begins to learn by heart."
        )
        self._iou_plot.setToolTip("How well the predicted area covers the true one: 1 is perfect.")

    def clear(self) -> None:
        """Forget the last training."""
        for values in (self._epochs, self._train_losses, self._val_losses, self._ious):
            values.clear()
        self._best.hide()
        self._draw()

    def add(self, epoch: int, train_loss: float, val_loss: float, val_iou: float, best: bool) -> None:
        """Add an epoch.

        Parameters
        ----------
        epoch : int
            Number of the epoch.
        train_loss, val_loss : float
            Mean losses of the epoch.
        val_iou : float
            IoU on the validation frames, 0 to 1.
        best : bool
            Whether it is the best epoch so far; the line marked "best" moves there.
        """
        self._epochs.append(epoch)
        self._train_losses.append(train_loss)
        self._val_losses.append(val_loss)
        self._ious.append(val_iou)
        if best:
            self._best.setValue(epoch)
            self._best.show()
        self._draw()

    def values(self) -> tuple[list[int], list[float], list[float], list[float]]:
        """Tell what is drawn.

        Returns
        -------
        tuple of lists
            Epochs, training losses, validation losses, validation IoUs.
        """
        return self._epochs, self._train_losses, self._val_losses, self._ious

    def _draw(self) -> None:
        symbol = "o" if len(self._epochs) == 1 else None  # one point alone makes no line
        self._train.setData(self._epochs, self._train_losses, symbol=symbol, symbolSize=5)
        self._val.setData(self._epochs, self._val_losses, symbol=symbol, symbolSize=5)
        self._iou.setData(self._epochs, self._ious, symbol=symbol, symbolSize=5)


class PictureRows(QWidget):
    """Rows of three pictures: image, truth, prediction.

    Parameters
    ----------
    n_rows : int
        At most this many rows.
    parent : QWidget, optional
        Its parent.
    """

    headings = ("image", "truth", "prediction")

    def __init__(self, n_rows: int = 3, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 4, 0, 0)
        grid.setSpacing(3)
        for column, heading in enumerate(self.headings):
            label = QLabel(heading)
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            grid.addWidget(label, 0, column)
        self._cells = [[self._cell(grid, row, column) for column in range(3)] for row in range(n_rows)]
        self.hide()

    @staticmethod
    def _cell(grid: QGridLayout, row: int, column: int) -> QLabel:
        cell = QLabel()
        cell.setFixedSize(QSize(_PICTURE_PX, _PICTURE_PX))
        cell.setAlignment(Qt.AlignmentFlag.AlignCenter)
        cell.hide()
        grid.addWidget(cell, row + 1, column, Qt.AlignmentFlag.AlignHCenter)
        return cell

    def show_pictures(self, rows: list[tuple[npt.NDArray[np.uint8], ...]]) -> None:
        """Show pictures in place of the ones before.

        Parameters
        ----------
        rows : list of tuples of ndarray
            Per row the image, the truth and the prediction: uint8, YX grey or YXC red-green-blue.
        """
        for index, cells in enumerate(self._cells):
            for column, cell in enumerate(cells):
                there = index < len(rows)
                cell.setVisible(there)
                if there:
                    cell.setPixmap(_pixmap(rows[index][column], _PICTURE_PX))
        self.setVisible(bool(rows))


def _pixmap(picture: npt.NDArray[np.uint8], side_px: int) -> QPixmap:
    picture = np.ascontiguousarray(picture)
    height, width = picture.shape[:2]
    if picture.ndim == 2:
        image = QImage(picture.data, width, height, width, QImage.Format.Format_Grayscale8)
    else:
        image = QImage(picture.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image).scaled(
        side_px,
        side_px,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
