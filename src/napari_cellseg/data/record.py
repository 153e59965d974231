"""What ``study.json`` holds: where the pixels come from, how they are read, and what was chosen."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_cellseg import __version__
from napari_cellseg.data.pages import unreadable
from napari_cellseg.data.stack import Stack, ZChoice
from napari_cellseg.errors import InputError

STUDY_FILE = "study.json"
SCHEMA_VERSION = 1
READ_AS, PAIRED_AS = "read as", "paired as"
"""Keys in the further facts of a stack: how it was opened (`Source` as JSON)."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Record):
    """Where pixels come from and how they are read; the arguments of `open_stack`.

    Attributes
    ----------
    paths : tuple of str
        One file or folder, or the files of one stack. Paths within or beside the study are kept relative to
        it, so that both can be moved together.
    axes, channel_names, series, z, pixel_size_um, frame_interval_s, field, missing
        As `open_stack` takes them.
    """

    paths: tuple[str, ...] = Field(min_length=1)
    axes: str | None = None
    channel_names: tuple[str, ...] | None = None
    series: int = 0
    z: ZChoice | None = None
    pixel_size_um: float | None = None
    frame_interval_s: float | None = None
    field: str | None = None
    missing: Literal["error", "blank"] = "error"

    @classmethod
    def of(cls, stack: Stack) -> Source | None:
        """Tell how a stack was opened, so that it can be opened again.

        Parameters
        ----------
        stack : Stack
            The movie.

        Returns
        -------
        Source or None
            None when it did not come from files of its own. Of two that were paired, the first.
        """
        return cls.model_validate_json(stack.extra[READ_AS]) if READ_AS in stack.extra else None

    @classmethod
    def of_fluorescence(cls, stack: Stack) -> Source | None:
        """Tell how the second of two stacks that were paired was opened.

        Parameters
        ----------
        stack : Stack
            The movie.

        Returns
        -------
        Source or None
            None when nothing was paired, or it did not come from files.
        """
        return cls.model_validate_json(stack.extra[PAIRED_AS]) if PAIRED_AS in stack.extra else None

    def kept_in(self, stack: Stack) -> Stack:
        """Note in a stack how it was opened.

        Parameters
        ----------
        stack : Stack
            The movie.

        Returns
        -------
        Stack
            The same, for `of`.
        """
        told = self.model_dump_json(exclude_defaults=True)
        return replace(stack, extra={**stack.extra, READ_AS: told})


class StudyRecord(_Record):
    """What ``study.json`` holds.

    Attributes
    ----------
    schema_name, version
        What kind of file this is, and the version of its layout.
    program, created
        Which version of the program made it, and when (UTC, ISO 8601).
    name : str
        What the study is called.
    image : Source or None
        The stack, or its label-free part.
    fluorescence : Source or None
        The fluorescence, when it comes from elsewhere.
    image_channel, fluorescence_channel : str or None
        The channels that were chosen, by name.
    """

    schema_name: Literal["napari-cellseg study"] = Field("napari-cellseg study", alias="schema")
    version: int = SCHEMA_VERSION
    program: str = __version__
    created: str = ""
    name: str = ""
    image: Source | None = None
    fluorescence: Source | None = None
    image_channel: str | None = None
    fluorescence_channel: str | None = None


def read_record(file: Path) -> StudyRecord:
    """Read a ``study.json``.

    Parameters
    ----------
    file : Path
        The file.

    Returns
    -------
    StudyRecord
        What it holds.

    Raises
    ------
    InputError
        There is none, it is damaged, or a newer version of the program wrote it.
    """
    if not file.exists():
        raise InputError(
            f"{file.parent} is not the folder of a study",
            f"A file {STUDY_FILE} was expected in it",
            "Choose another folder, or start a new study",
        )
    try:
        text = file.read_text(encoding="utf-8")
        record = StudyRecord.model_validate_json(text)
    except OSError as error:
        raise unreadable(file, error) from error
    except (ValidationError, UnicodeDecodeError) as error:
        newer = _newer_version(file)
        if newer:
            raise newer from error
        raise InputError(
            f"{file} is damaged",
            "The record of a study was expected",
            "Rename it and start a new study here: the labels, corrections and models stay",
        ) from error
    if record.version > SCHEMA_VERSION:
        raise _too_new(file, record.version)
    return record


def _newer_version(file: Path) -> InputError | None:
    found = re.search(rb'"version"\s*:\s*(\d{1,9})\b', file.read_bytes())
    return _too_new(file, int(found[1])) if found and int(found[1]) > SCHEMA_VERSION else None


def _too_new(file: Path, version: int) -> InputError:
    return InputError(
        f"{file} was written by a newer version of napari-cellseg (layout {version})",
        f"This version knows layouts up to {SCHEMA_VERSION}",
        "Update napari-cellseg",
    )
