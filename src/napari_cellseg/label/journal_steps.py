"""What one step of the history of corrections is: what one Ctrl-Z takes back."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy.typing as npt

from napari_cellseg.errors import InputError
from napari_cellseg.label.change import Edit
from napari_cellseg.label.journal_lines import packed, unpacked
from napari_cellseg.label.proposals import Taken

STEPS_SINCE = 2
"""The version of the journal that knows steps of several edits; earlier ones refuse them by it."""


@dataclass(frozen=True)
class EditStep:
    """Edits that were made by one deed of the person, such as deleting an object through time.

    Attributes
    ----------
    edits : tuple of Edit
        In the order in which they are applied; at least one.
    """

    edits: tuple[Edit, ...]

    @property
    def frames(self) -> frozenset[int]:
        """The frames that it changes."""
        return frozenset(edit.frame for edit in self.edits)

    @property
    def tool(self) -> str:
        """What made it."""
        return self.edits[0].tool

    @property
    def who(self) -> str:
        """Who did it."""
        return self.edits[0].who

    @property
    def when(self) -> str:
        """Date and time (UTC, ISO 8601)."""
        return self.edits[0].when

    def apply(self, labels: npt.NDArray[Any]) -> None:
        """Write the step into labels, in place.

        Parameters
        ----------
        labels : ndarray
            Axes TYX or YX, integer.
        """
        for edit in self.edits:
            edit.apply(labels)

    def inverse(self) -> EditStep:
        """Make the step that takes this one back.

        Returns
        -------
        EditStep
            The inverse edits in the opposite order.
        """
        return EditStep(tuple(edit.inverse() for edit in reversed(self.edits)))

    def by(self, who: str) -> EditStep:
        """Say who did it, where that is not said.

        Parameters
        ----------
        who : str
            The person's name.

        Returns
        -------
        EditStep
            The same step.
        """
        if not who or all(edit.who for edit in self.edits):
            return self
        return EditStep(tuple(edit if edit.who else replace(edit, who=who) for edit in self.edits))


Step = EditStep | Taken


def put(step: Step, labels: npt.NDArray[Any], *, back: bool = False, keep: Collection[int] = ()) -> None:
    """Write a step into labels, or take it back, in place.

    Parameters
    ----------
    step : EditStep or Taken
        The step.
    labels : ndarray
        Axes TYX or YX, integer.
    back : bool
        True takes it back.
    keep : collection of int
        Of proposals: frames that are left alone. A person's own step is put or taken back as a whole.
    """
    if isinstance(step, Taken):
        step.put(labels, back=back, keep=keep)
    else:
        (step.inverse() if back else step).apply(labels)


def entry_of_step(step: Step, folder: Path) -> dict[str, Any]:
    """Make a step fit for JSON.

    Parameters
    ----------
    step : EditStep or Taken
        The step.
    folder : Path
        Where the journal is; the file of proposals is named as seen from there.

    Returns
    -------
    dict
        An entry of the journal, so that a step is there as a whole or not at all.
    """
    if isinstance(step, Taken):
        return {
            "kind": "proposals",
            "file": Path(os.path.relpath(step.path, folder)).as_posix(),
            "sha256": step.sha256,
            "frames": sorted(step.frames),
            "who": step.who,
            "when": step.when or datetime.now(UTC).isoformat(timespec="seconds"),
        }
    if len(step.edits) == 1:
        return {"kind": "edit", **packed(step.edits[0])}
    return {"kind": "step", "version": STEPS_SINCE, "edits": [packed(edit) for edit in step.edits]}


def step_of_entry(entry: dict[str, Any], folder: Path) -> Step:
    """Make a step from an entry of the journal.

    Parameters
    ----------
    entry : dict
        As `entry_of_step` made it.
    folder : Path
        Where the journal is.

    Returns
    -------
    EditStep or Taken
        The step.

    Raises
    ------
    InputError
        The entry is no step: something else wrote it.
    """
    if entry["kind"] == "edit":
        return EditStep((unpacked(entry),))
    if entry["kind"] == "step":
        return EditStep(tuple(unpacked(each) for each in entry["edits"]))
    try:
        frames, file = frozenset(int(t) for t in entry["frames"]), folder / entry["file"]
        return Taken(file, str(entry["sha256"]), frames, str(entry["who"]), str(entry["when"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"Proposals in the journal cannot be read: {error!r}",
            "They were written by something else, or altered",
            "Put back a copy of the journal, or put it aside",
        ) from error
