"""The button that rejects a frame: at once, or with a reason; on a rejected one it takes that back."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QInputDialog, QMenu, QSizePolicy, QToolButton, QWidget

REASONS = ("out of focus", "too dim or too bright", "debris or leaked stain", "cannot be told by eye")
_REJECT, _BACK = "Reject", "Take back"
_TIP = "Never learn from this frame, and go to the next one. The arrow offers reasons."
_BACK_TIP = "This frame is rejected: let it count again"


class RejectButton(QToolButton):
    """Rejects the frame in view.

    ``rejected(str)`` gives the reason, which may be empty; ``taken_back()`` tells that it counts again.

    Parameters
    ----------
    parent : QWidget, optional
        Its parent.
    """

    rejected = Signal(str)
    taken_back = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._back = False
        self.setObjectName("cellseg-split")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keys go on to the picture
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        menu = QMenu(self)
        for reason in REASONS:
            menu.addAction(reason.capitalize(), lambda reason=reason: self.rejected.emit(reason))
        menu.addSeparator()
        menu.addAction("Another reason …", self._ask)
        self.setMenu(menu)
        self.clicked.connect(self._clicked)
        self.show_rejected(False)

    def show_rejected(self, on: bool) -> None:
        """Show whether the frame in view is rejected.

        Parameters
        ----------
        on : bool
            Whether it is.
        """
        self._back = on
        self.setText(_BACK if on else _REJECT)
        self.setToolTip(_BACK_TIP if on else _TIP)

    def _clicked(self) -> None:
        if self._back:
            self.taken_back.emit()
        else:
            self.rejected.emit("")

    def _ask(self) -> None:
        reason, said = QInputDialog.getText(self, "Reject this frame", "Why?")
        if said:
            self.rejected.emit(reason.strip())
