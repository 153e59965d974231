"""Buttons with a text, and a tip that says what they do."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QPushButton


def text_button(text: str, tip: str, on_click: Callable[[], object]) -> QPushButton:
    """Make a button.

    Parameters
    ----------
    text : str
        What it says.
    tip : str
        What it does, in a sentence.
    on_click : callable
        What to call.

    Returns
    -------
    QPushButton
        The button.
    """
    button = QPushButton(text)
    button.setToolTip(tip)
    button.clicked.connect(lambda _on: on_click())
    return button
