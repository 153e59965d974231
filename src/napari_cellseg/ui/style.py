"""The few colours and shapes that napari's theme does not settle."""

from __future__ import annotations

from napari.utils.theme import get_theme

FOUND = "#3cb44b"
ATTENTION = "#e08a1e"
WRONG = "#e6553f"

_SIGNS = {
    "todo": "–",
    "done": f'<span style="color:{FOUND}">✔</span>',
    "attention": f'<span style="color:{ATTENTION}">●</span>',
    "running": "▶",
}


def sign_of(state: str) -> str:
    """Choose the sign of a state.

    Parameters
    ----------
    state : str
        See `Step.summarise`.

    Returns
    -------
    str
        Rich text of one character.
    """
    return _SIGNS[state]


def style_of(theme: str) -> str:
    """Make the style sheet of the dock.

    Parameters
    ----------
    theme : str
        Name of napari's theme.

    Returns
    -------
    str
        Qt style sheet; only for names of ours.
    """
    colours = get_theme(theme)
    row, open_row = colours.foreground.as_hex(), colours.primary.as_hex()
    accent, text = colours.current.as_hex(), colours.text.as_hex()
    return f"""
    #cellseg-row {{ background-color: {row}; border-radius: 3px; }}
    #cellseg-row:hover, #cellseg-row[open="true"] {{ background-color: {open_row}; }}
    #cellseg-row:focus {{ border: 1px solid {accent}; }}
    #cellseg-row QLabel {{ background: transparent; }}
    #cellseg-primary {{ background-color: {accent}; color: {text}; font-weight: bold; padding: 6px; }}
    #cellseg-primary:disabled {{ background-color: {row}; }}
    #cellseg-message {{ background-color: {row}; border-radius: 3px; }}
    #cellseg-message QLabel {{ background: transparent; }}
    #cellseg-message[kind="warning"] {{ border-left: 3px solid {ATTENTION}; }}
    #cellseg-message[kind="error"] {{ border-left: 3px solid {WRONG}; }}
    #cellseg-header QLabel {{ background: transparent; }}
    #cellseg-dock QCollapsible > QPushButton {{ background-color: {row}; }}
    #cellseg-dock QCollapsible > QPushButton:hover {{ background-color: {open_row}; }}
    #cellseg-split {{ background-color: {row}; border-radius: 2px; padding: 3px 16px 3px 8px; }}
    #cellseg-split:hover {{ background-color: {open_row}; }}
    #cellseg-split::menu-button {{ border: none; width: 14px; }}
    #cellseg-flat {{ background: transparent; padding: 2px 6px; }}
    #cellseg-flat:hover {{ background-color: {open_row}; }}
    """
