"""Models as cards: picture, title, what it finds, one score and its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from napari.utils.theme import get_theme
from qtpy.QtCore import QModelIndex, QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFont, QImage, QPainter, QPixmap, QTextLayout, QTextOption
from qtpy.QtWidgets import (
    QFrame,
    QListView,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QWidget,
)

from napari_cellseg.ui.model_tips import tip

if TYPE_CHECKING:
    from pathlib import Path

    from napari_cellseg.live.choosing import Candidate

CARD_SIZE = QSize(436, 172)
"""Width and height of a card with the gap around it, on the screen."""

_GAP, _PAD, _ROUND = 4, 10, 5
_COVER_PX = 144
_SMALL = 0.86
_FAINT = 0.75
_ROLE = Qt.ItemDataRole.UserRole
_PLACEHOLDER = QColor(128, 128, 128, 70)


def pixmap_of(picture: npt.NDArray[np.uint8]) -> QPixmap:
    """Make a picture that Qt can show.

    Parameters
    ----------
    picture : ndarray
        Axes YXC, uint8, red-green-blue.

    Returns
    -------
    QPixmap
        Of the same size.
    """
    picture = np.ascontiguousarray(picture)
    height, width = picture.shape[:2]
    return QPixmap.fromImage(QImage(picture.data, width, height, 3 * width, QImage.Format.Format_RGB888))


def cover_of(candidate: Candidate, side_px: int, ratio: float = 1.0) -> QPixmap:
    """Make the square picture of a model.

    Parameters
    ----------
    candidate : Candidate
        The model.
    side_px : int
        Side of the square on the screen.
    ratio : float
        Pixels of the screen per pixel of Qt.

    Returns
    -------
    QPixmap
        Its cover; where it has none, its initial on a plain ground.
    """
    pixmap = QPixmap(round(side_px * ratio), round(side_px * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    square = QRectF(0, 0, side_px, side_px)
    painter = QPainter(pixmap)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    if candidate.cover is not None:
        cover = pixmap_of(candidate.cover)
        side = min(cover.width(), cover.height())
        middle = QRectF((cover.width() - side) / 2, (cover.height() - side) / 2, side, side)
        painter.drawPixmap(square, cover, middle)
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_PLACEHOLDER)
        painter.drawRoundedRect(square, _ROUND, _ROUND)
        font = painter.font()
        font.setPixelSize(max(8, side_px // 2))
        painter.setFont(font)
        painter.setPen(QColor(150, 150, 150))
        painter.drawText(square, Qt.AlignmentFlag.AlignCenter, candidate.title[:1].upper())
    painter.end()
    return pixmap


class _CardPainter(QStyledItemDelegate):
    """Draws a card; only those in view are drawn."""

    def __init__(self, viewer: Any, parent: QWidget) -> None:
        super().__init__(parent)
        self._viewer = viewer

    def sizeHint(self, _option: Any, _index: QModelIndex) -> QSize:  # noqa: N802 - Qt's name
        """Say how large a card is."""
        return CARD_SIZE

    def paint(self, painter: QPainter, option: Any, index: QModelIndex) -> None:
        """Draw one card."""
        candidate = index.data(_ROLE)
        theme = get_theme(self._viewer.theme)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        box = QRectF(option.rect).adjusted(_GAP, _GAP, -_GAP, -_GAP)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        ground = theme.primary if chosen or hovered else theme.foreground
        painter.setBrush(QColor(ground.as_hex()))
        if chosen:
            pen = painter.pen()
            pen.setStyle(Qt.PenStyle.SolidLine)
            pen.setColor(QColor(theme.current.as_hex()))
            pen.setWidth(3)
            painter.setPen(pen)
        painter.drawRoundedRect(box, _ROUND, _ROUND)
        painter.drawPixmap(QPointF(box.left() + _PAD, box.top() + _PAD), index.data(_ROLE + 1))
        text = box.adjusted(2 * _PAD + _COVER_PX, _PAD - 2, -_PAD, -_PAD + 2)
        _paint_text(painter, text, candidate, option.font, QColor(theme.text.as_hex()))
        painter.restore()


def _paint_text(painter: QPainter, box: QRectF, candidate: Candidate, font: QFont, colour: QColor) -> None:
    bold, small = QFont(font), QFont(font)
    bold.setBold(True)
    small.setPointSizeF(font.pointSizeF() * _SMALL)
    faint = QColor(colour)
    faint.setAlphaF(_FAINT)
    for text, face, shade, most_lines in (
        (candidate.title, bold, colour, 2),
        (candidate.what, font, colour, 2),
        (candidate.size, font, colour, 2),
        (candidate.score, font, colour, 1),
        (candidate.limits, small, faint, 9),
    ):
        painter.setPen(shade)
        used = _paint_lines(painter, box, text, face, most_lines)
        box = box.adjusted(0, used + 3, 0, 0)


def _paint_lines(painter: QPainter, box: QRectF, text: str, font: QFont, most_lines: int) -> float:
    """Draw text in as many lines as there is room for; the last one ends in dots when there is more.

    Returns the height that was used.
    """
    layout = QTextLayout(text, font)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    layout.beginLayout()
    lines: list[tuple[int, int, float, float]] = []
    height = 0.0
    while len(lines) < most_lines:
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(box.width())
        if height + line.height() > box.height() + 1:
            break
        line.setPosition(QPointF(0, height))
        height += line.height()
        lines.append((line.textStart(), line.textLength(), line.y(), line.ascent()))
    layout.endLayout()
    painter.setFont(font)
    for number, (start, length, y, ascent) in enumerate(lines, start=1):
        part = text[start : start + length].rstrip()
        if number == len(lines) and start + length < len(text):
            metrics = painter.fontMetrics()
            part = metrics.elidedText(text[start:], Qt.TextElideMode.ElideRight, int(box.width()))
        painter.drawText(QPointF(box.left(), box.top() + y + ascent), part)
    return height


class ModelCards(QListWidget):
    """Cards of models in a grid; arrows go from one to the next.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose theme the cards wear.
    parent : QWidget, optional
        Its parent.
    """

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setStyleSheet("QListWidget { background: transparent; }")  # the cards have a ground of their own
        self.setMouseTracking(True)
        self.setItemDelegate(_CardPainter(viewer, self))
        self.setAccessibleName("Models")
        viewer.events.theme.connect(self._restyle)

    def add(self, candidate: Candidate) -> None:
        """Add a card after the others.

        Parameters
        ----------
        candidate : Candidate
            The model.
        """
        item = QListWidgetItem()
        item.setData(_ROLE, candidate)
        item.setData(_ROLE + 1, cover_of(candidate, _COVER_PX, self.devicePixelRatioF()))
        parts = (candidate.title, candidate.what, candidate.size, candidate.score, candidate.limits)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, ". ".join(parts))
        item.setToolTip(tip(candidate.folder, candidate.card))
        self.addItem(item)

    def candidates(self, *, shown: bool = False) -> list[Candidate]:
        """List the models.

        Parameters
        ----------
        shown : bool
            True leaves out those that are hidden.

        Returns
        -------
        list of Candidate
            In order.
        """
        items = [self.item(row) for row in range(self.count())]
        return [item.data(_ROLE) for item in items if not (shown and item.isHidden())]

    def show_only(self, objects: str, modality: str) -> None:
        """Hide the models that are not for what is looked for.

        Parameters
        ----------
        objects, modality : str
            See `Candidate.suits`.
        """
        for row in range(self.count()):
            item = self.item(row)
            item.setHidden(not item.data(_ROLE).suits(objects, modality))
        if self.chosen is None:
            self.choose(None)

    @property
    def chosen(self) -> Candidate | None:
        """The card that is marked; None when none is, or it is hidden."""
        item = self.currentItem()
        return None if item is None or item.isHidden() else item.data(_ROLE)

    def choose(self, folder: Path | None) -> None:
        """Mark a card.

        Parameters
        ----------
        folder : Path or None
            Folder of the model; the first card in view where it is not there.
        """
        shown = [item for item in (self.item(row) for row in range(self.count())) if not item.isHidden()]
        wanted = [item for item in shown if item.data(_ROLE).folder == folder] or shown[:1]
        self.setCurrentItem(wanted[0] if wanted else None)

    def _restyle(self, _event: object = None) -> None:
        self.viewport().update()
