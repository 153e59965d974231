"""A scripted session of correcting: every planted error mended with mouse and keys, in a real window.

Twenty parts of frames of cells in phase contrast, each with a merged, a split, a missing, a false and a
leaking object where there is room for them. The hand knows where the errors are and uses the tools as a
person would. Told are its actions (clicks, drags and keys) and how long the labels take to change after the
last event of an action: 0 ms when they have changed before it is over. In the end each object that was
concerned is compared with the truth. ``FRAMES`` (20) is the number of frames.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from skimage.measure import find_contours

from benchmarks._bundled_data import images_of
from benchmarks._learning import DATA, SKIPPED, Labels
from benchmarks._planted import KINDS, planted
from napari_cellseg.label.change import next_label

FRAMES = int(os.environ.get("FRAMES", "20"))
SIDE_PX = 320
_CHILD = "NAPARI_CELLSEG_STUDIO"
_PATIENCE_S = 10.0
_FEWEST = 4  # objects of a part


@dataclass(frozen=True, eq=False)
class Wrong:
    """One planted error.

    Attributes
    ----------
    frame : int
        Where.
    kind : str
        Merged, split, missing, false or leaking.
    labels : frozenset of int
        The labels that are wrong; empty for a missing object.
    true : tuple of int
        The true objects concerned.
    """

    frame: int
    kind: str
    labels: frozenset[int]
    true: tuple[int, ...]


@dataclass
class Tale:
    """What it took.

    Attributes
    ----------
    actions : int
        Clicks, drags and keys.
    seconds : float
        Of the machine, from the last event of each action until the labels had changed.
    """

    actions: int = 0
    seconds: list[float] = field(default_factory=list)


def scenes() -> tuple[npt.NDArray[Any], Labels, Labels, list[Wrong]]:
    """Cut parts out of the fields, and plant errors.

    Returns
    -------
    images, truth, labels : ndarray
        Axes TYX.
    wrong : list of Wrong
        The errors, frame by frame.
    """
    random = np.random.default_rng(0)
    parts = []
    for case in images_of("usiigaci", lambda name: name):
        for corner in ((0, 0), (case.truth.shape[0] - SIDE_PX, case.truth.shape[1] - SIDE_PX)):
            box = tuple(slice(at, at + SIDE_PX) for at in corner)
            if len(np.unique(case.truth[box])) > _FEWEST:
                parts.append((case.image[box], case.truth[box].astype(np.int32)))
    parts = parts[:FRAMES]
    truth, labels, wrong = np.stack([t for _, t in parts]), [], []
    for frame, (_, true) in enumerate(parts):
        made, errors = _wronged(true, frame, random)
        labels.append(made)
        wrong += errors
    return np.stack([image for image, _ in parts]), truth, np.stack(labels), wrong


def _wronged(true: Labels, frame: int, random: np.random.Generator) -> tuple[Labels, list[Wrong]]:
    """Plant one error of each kind, each on objects that no other one touches."""
    labels, used, errors = true.copy(), set(), []
    for kind in KINDS:
        made, found = planted(labels, kind, random)
        if not found:
            continue
        changed = made != labels
        concerned = tuple(int(n) for n in np.unique(true[changed]) if n)
        near = {int(n) for n in np.unique(true[ndi.binary_dilation(changed, iterations=4)]) if n}
        owners = set(concerned) | set(found[0]) & set(np.unique(true).tolist())
        if len(found) > 1 or used & (owners | near):
            continue
        labels = made
        used |= owners | near
        named = tuple(sorted(owners)) if kind != "false" else ()
        errors.append(Wrong(frame, kind, found[0], named))
    inner = [
        int(n)
        for n in np.unique(true[8:-8, 8:-8])
        if n and n not in used and not _at_edge(true == n) and (labels == n).sum() > 200
    ]
    if inner:
        gone = int(random.choice(inner))
        labels[labels == gone] = 0
        errors.append(Wrong(frame, "missing", frozenset(), (gone,)))
    return labels, errors


def _at_edge(mask: npt.NDArray[np.bool_]) -> bool:
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())


class Session:
    """A window with step 3 open, and a hand.

    Parameters
    ----------
    folder : Path
        Of the study.
    images, labels : ndarray
        Axes TYX.
    """

    def __init__(self, folder: Path, images: npt.NDArray[Any], labels: Labels) -> None:
        # ruff: noqa: PLC0415 - napari and Qt only once there is a screen
        import napari

        from benchmarks._hand import Hand
        from napari_cellseg.data.project import Study, new_label_movie, open_label_movie
        from napari_cellseg.ui.dock import CellSegDock
        from napari_cellseg.ui.layers import add_labels
        from napari_cellseg.ui.pictures import join_pictures, picture_of

        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(1366, 768)
        self.dock = CellSegDock(self.viewer)
        self.viewer.window.add_dock_widget(self.dock, area="right")
        session, image = self.dock.session, self.viewer.add_image(images, name="phase")
        session.use_stack(*join_pictures(picture_of(image), None), image, None)
        session.study = Study.at(folder / "study")
        new_label_movie(session.study.labels_auto, labels.shape)[:] = labels
        session.labels_layer = add_labels(
            self.viewer, open_label_movie(session.study.labels_auto), "auto", "auto", image
        )
        session.labels_changed.emit()
        self.dock.open_named("Correct")
        self.step: Any = self.dock.step("Correct")
        self.step.primary.click()
        self.wait(lambda: self.step.corrections is not None)
        self.hand, self.tale = Hand(self.viewer), Tale()
        self.viewer.reset_view()

    @property
    def frame(self) -> Labels:
        """The labels of the frame in view."""
        plane: Labels = self.step.corrections.movie[self.dock.session.frame()]
        return plane

    def wait(self, ready: Callable[[], bool]) -> bool:
        """Let the window work until something is so; False when it does not become so."""
        from qtpy.QtWidgets import QApplication

        end = time.monotonic() + _PATIENCE_S
        while not ready():
            if time.monotonic() > end:
                return False
            QApplication.processEvents()
            time.sleep(0.001)
        return True

    def do(self, *actions: Callable[[], object]) -> bool:
        """Do some actions, the last of which changes the labels; count, and time until they have changed."""
        before = self.frame.copy()
        for action in actions:
            action()
            start = time.perf_counter()
        self.tale.actions += len(actions)
        changed = self.wait(lambda: not np.array_equal(self.frame, before))
        self.tale.seconds.append(time.perf_counter() - start)
        return changed

    def take(self, tool: str) -> None:
        """Take a tool in hand with its button."""
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        QTest.mouseClick(self.step.desk.buttons.buttons[tool], Qt.MouseButton.LeftButton)

    def go_to(self, frame: int) -> None:
        """Show a frame."""
        self.dock.session.go_to(frame)
        self.wait(lambda: self.dock.session.frame() == frame)
        self.viewer.layers.selection.active = self.step.corrections.layer

    def close(self) -> None:
        """Close the window."""
        self.step.corrections.flush()
        self.viewer.close()


def mend(session: Session, wrong: Wrong, true: Labels) -> None:
    """Mend one error as a person would, with the tool that is made for it.

    Parameters
    ----------
    session : Session
        The window; it shows the frame.
    wrong : Wrong
        The error.
    true : ndarray
        Axes YX: what the person sees in the image.
    """
    # ruff: noqa: PLC0415
    from qtpy.QtCore import Qt

    hand, key = session.hand, Qt.Key
    if wrong.kind == "false":
        (label,) = wrong.labels
        session.do(lambda: session.take("delete"), lambda: hand.click(*_inside(session.frame == label)))
        hand.key(key.Key_Escape)
    elif wrong.kind == "split":
        a, b = (_inside(session.frame == label) for label in sorted(wrong.labels))
        session.do(lambda: hand.key(key.Key_M), lambda: hand.click(*a), lambda: hand.click(*b))
        hand.key(key.Key_Escape)
    elif wrong.kind == "merged":
        a, b = (_inside(true == label) for label in wrong.true)
        session.do(lambda: hand.key(key.Key_K), lambda: hand.click(*a), lambda: hand.click(*b))
        if not mended(wrong, session.frame, true):  # seen at once: taken back, and drawn
            one, other = (true == label for label in wrong.true)
            seam = np.argwhere(one & ndi.binary_dilation(other, iterations=2))
            line = _along(seam)
            session.do(lambda: hand.key(key.Key_Z, Qt.KeyboardModifier.ControlModifier))
            session.do(lambda: hand.drag(*line))
        hand.key(key.Key_Escape)
    elif wrong.kind == "missing":
        outline = _outline(true == wrong.true[0])
        session.do(lambda: session.take("new"), lambda: hand.drag(*outline))
        hand.key(key.Key_Escape)
    else:
        _cut_the_lobe(session, wrong, true)


def _cut_the_lobe(session: Session, wrong: Wrong, true: Labels) -> None:
    """Cut along the true border, and delete what is cut off."""
    from qtpy.QtCore import Qt

    hand, key = session.hand, Qt.Key
    (label,) = wrong.labels
    cell = true == label
    lobe = (session.frame == label) & ~cell
    line = _along(np.argwhere(lobe & ndi.binary_dilation(cell)))
    session.do(lambda: hand.key(key.Key_K), lambda: hand.drag(*line))
    hand.key(key.Key_Escape)
    left = [
        n for n in np.unique(session.frame[lobe]) if n and (session.frame[lobe] == n).sum() > 0.5 * lobe.sum()
    ]
    cut_off = [n for n in left if ((session.frame == n) & cell).sum() < 0.5 * cell.sum()]
    if cut_off:
        where = _inside((session.frame == cut_off[0]) & lobe)
        session.do(lambda: session.take("delete"), lambda: hand.click(*where))
        hand.key(key.Key_Escape)


def _along(seam: npt.NDArray[np.intp]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Draw a straight line along pixels, and a little beyond them."""
    middle = seam.mean(axis=0)
    along = np.linalg.eigh(np.cov((seam - middle).T))[1][:, 1] if len(seam) > 2 else np.array([0.0, 1.0])
    reach = np.abs((seam - middle) @ along).max() + 6
    (y0, x0), (y1, x1) = middle - reach * along, middle + reach * along
    return (float(y0), float(x0)), (float(y1), float(x1))


def _inside(mask: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Point at the middle of an object."""
    depth = ndi.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    y, x = np.unravel_index(int(np.argmax(depth)), mask.shape)
    return float(y), float(x)


def _outline(mask: npt.NDArray[np.bool_]) -> list[tuple[float, float]]:
    line = max(find_contours(np.pad(mask, 1).astype(float), 0.5), key=len) - 1
    return [(float(y), float(x)) for y, x in line[:: max(1, len(line) // 40)]]


def mended(wrong: Wrong, labels: Labels, true: Labels) -> bool:
    """Tell whether the objects concerned are found at an IoU above 0.5, each by one, and no error is left.

    Parameters
    ----------
    wrong : Wrong
        The error.
    labels, true : ndarray
        Axes YX.

    Returns
    -------
    bool
        True when all is well.
    """
    if wrong.kind == "false":
        (label,) = wrong.labels
        return not (labels == label).any()
    owners = []
    for number in wrong.true:
        mask = true == number
        found = np.bincount(np.maximum(labels[mask], 0))
        found[0] = 0
        label = int(found.argmax()) if found.any() else next_label(labels)
        if found.max(initial=0) <= 0.5 * ((labels == label) | mask).sum():
            return False
        owners.append(label)
    return len(set(owners)) == len(owners)


def main() -> int:
    """Correct all frames, and tell what it took.

    Returns
    -------
    int
        0 when every error was mended, 1 when not; 75 without a screen or the images.
    """
    if not (DATA / "usiigaci").is_dir():
        print("the real images are not in ../shared/data")
        return SKIPPED
    if not os.environ.get("DISPLAY"):
        xvfb = shutil.which("xvfb-run")
        if xvfb is None or os.environ.get(_CHILD):
            print("no screen, and no xvfb-run to make a virtual one")
            return SKIPPED
        command = [xvfb, "-a", "-s", "-screen 0 1366x768x24", sys.executable, "-c"]
        code = "from benchmarks.studio import main; raise SystemExit(main())"
        return subprocess.run([*command, code], check=False, env=os.environ | {_CHILD: "1"}).returncode
    images, truth, labels, wrong = scenes()
    with tempfile.TemporaryDirectory() as folder:
        session = Session(Path(folder), images, labels)
        start, tales = time.monotonic(), defaultdict(list)
        left: list[Wrong] = []
        for error in wrong:
            if session.dock.session.frame() != error.frame:
                session.go_to(error.frame)
            session.tale = Tale()
            mend(session, error, truth[error.frame])
            tales[error.kind].append(session.tale)
            if not mended(error, session.frame, truth[error.frame]):
                left.append(error)
        seconds = time.monotonic() - start
        session.close()
    print(f"{len(wrong)} errors in {len(images)} frames, {seconds:.0f} s with the movements of the hand")
    for kind, told in tales.items():
        times = np.array([second for tale in told for second in tale.seconds])
        print(
            f"  {kind:<8} {len(told):>3}  actions {np.mean([tale.actions for tale in told]):.1f} each  "
            f"machine {1e3 * np.median(times):.0f} ms a change (longest {1e3 * times.max():.0f})"
        )
    for error in left:
        print(f"  NOT mended: {error}")
    n = len(wrong) - len(left)
    print(f"  mended {n} of {len(wrong)}: AP at IoU 0.5 of the objects concerned {n / len(wrong):.3f}")
    return int(bool(left))
