"""Which labels of a study can be taken for the truth, and which of their frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_cellseg.label.review import states
from napari_cellseg.ui.layers import role_of
from napari_cellseg.ui.sources import is_finished_labels

if TYPE_CHECKING:
    from napari_cellseg.ui.session import Session

_CORRECTED = "corrected and accepted frames"


@dataclass(frozen=True)
class Truth:
    """Labels that models can be compared with.

    Attributes
    ----------
    name : str
        What they are called.
    layer : napari.layers.Labels or None
        The layer that holds them; None when there is none.
    frames : tuple of int
        The frames that they are known for.
    said : str
        What should be known about them, in a sentence; may be empty.
    missing : str
        Why they cannot be used, and what to do; empty when they can.
    step : str
        Number and title of the step that helps then.
    skip_empty : bool
        Whether frames without any label are not labelled yet, and left out.
    """

    name: str
    layer: Any
    frames: tuple[int, ...]
    said: str = ""
    missing: str = ""
    step: str = "3 Correct"
    skip_empty: bool = False


def truths(session: Session) -> list[Truth]:
    """List the labels that models can be compared with.

    Parameters
    ----------
    session : Session
        What the steps share.

    Returns
    -------
    list of Truth
        The corrected frames first, also when there are none; then labels layers of the person; last the
        automatic labels. Predictions are no truth.
    """
    if session.stack is None:
        return [Truth(_CORRECTED, None, (), missing="Choose the images in step 1 first.", step="1 Data")]
    n_frames = session.stack.n_frames
    found = [_corrected(session, n_frames)]
    for layer in session.viewer.layers:
        if is_finished_labels(layer) and role_of(layer) == "":
            said = "Frames of these labels without any object are left out." if n_frames > 1 else ""
            found.append(Truth(layer.name, layer, tuple(range(n_frames)), said, skip_empty=True))
    auto = session.labels_layer
    if auto is not None and auto in session.viewer.layers:
        kept = tuple(v.frame for v in session.verdicts if v.keep) or tuple(range(n_frames))
        said = (
            "These labels were made automatically, and nobody has looked at them: the figures tell how much "
            "a model agrees with them, not how right it is."
        )
        found.append(Truth(auto.name, auto, kept, said))
    return found


def _corrected(session: Session, n_frames: int) -> Truth:
    layer = session.corrected_layer
    if layer is None or layer not in session.viewer.layers:
        there = session.study is not None and session.study.labels_corrected.is_file()
        missing = (
            "The corrected labels of this study are not open. Open step 3, then come back."
            if there
            else "No frame was corrected yet. Models are compared on frames that you have corrected or "
            "accepted: five to ten, in step 3, are enough."
        )
        return Truth(_CORRECTED, None, (), missing=missing)
    now = states(session.review, session.corrected_frames, {}, n_frames)
    words = {"in work": "corrected", "accepted": "accepted"}
    kinds = {word: [t for t, state in now.items() if state == kind] for kind, word in words.items()}
    frames = tuple(sorted(t for each in kinds.values() for t in each))
    if not frames:
        missing = (
            "No frame was corrected or accepted yet. Go through five to ten frames in step 3: correct what "
            "is wrong, or press N where nothing is."
        )
        return Truth(_CORRECTED, None, (), missing=missing)
    told = " and ".join(f"{len(each)} {kind}" for kind, each in kinds.items() if each)
    few = " Few frames tell little: correct some more before you trust small differences."
    said = f"{told} frame{'s' * (len(frames) > 1)}.{few if len(frames) < 5 else ''}"
    return Truth(_CORRECTED, layer, frames, said)
