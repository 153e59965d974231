"""The folder of one study: where labels, corrections, models and results live, and how it is opened again."""

from __future__ import annotations

import datetime
import hashlib
import os
from pathlib import Path
from typing import Any

import platformdirs

from napari_cellseg.data.match import stem_of
from napari_cellseg.data.movies import new_label_movie, open_label_movie
from napari_cellseg.data.opening import open_stack
from napari_cellseg.data.pairing import pair
from napari_cellseg.data.record import STUDY_FILE, Source, StudyRecord, read_record
from napari_cellseg.data.stack import Stack
from napari_cellseg.data.storage import storage
from napari_cellseg.data.write import write_text
from napari_cellseg.errors import InputError, StorageError

__all__ = [
    "STUDY_FILE",
    "Source",
    "Study",
    "StudyRecord",
    "default_study_folder",
    "new_label_movie",
    "open_label_movie",
]

_PACKAGE = Path(__file__).resolve().parents[1]


class Study:
    """The folder of one study.

    Parameters
    ----------
    folder : Path
        The folder; see `Study.create`, `Study.open` and `Study.at`, which make sure that it is one.
    record : StudyRecord
        What its ``study.json`` holds.
    """

    def __init__(self, folder: Path, record: StudyRecord) -> None:
        self.folder, self.record = folder, record

    @classmethod
    def create(cls, folder: Path | str, name: str = "") -> Study:
        """Start a study.

        Parameters
        ----------
        folder : Path or str
            Made when it is not there.
        name : str
            What the study is called; the folder's name when not told.

        Returns
        -------
        Study
            The new study, already on the disk.

        Raises
        ------
        StorageError
            The folder cannot be written, or holds a study already.
        """
        folder = Path(folder)
        if (folder / STUDY_FILE).exists():
            raise StorageError(f"{folder} holds a study already", "", "Open it, or choose another folder")
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        study = cls(folder, StudyRecord(created=now, name=name or folder.name))
        with storage(folder):
            for inner in (study.labels_folder, study.models, study.predictions, study.results):
                inner.mkdir(parents=True, exist_ok=True)
        study._save()
        return study

    @classmethod
    def open(cls, folder: Path | str) -> Study:
        """Open a study.

        Parameters
        ----------
        folder : Path or str
            The folder, or the ``study.json`` in it.

        Returns
        -------
        Study
            As it was left.

        Raises
        ------
        InputError
            There is none, or its ``study.json`` is damaged or of a newer version.
        """
        folder = Path(folder)
        folder = folder.parent if folder.name == STUDY_FILE else folder
        return cls(folder, read_record(folder / STUDY_FILE))

    @classmethod
    def at(cls, folder: Path | str, name: str = "") -> Study:
        """Open the study in a folder, or start one there.

        Parameters
        ----------
        folder : Path or str
            The folder.
        name : str
            See `create`.

        Returns
        -------
        Study
            The study that was there, or a new one.
        """
        there = (Path(folder) / STUDY_FILE).exists()
        return cls.open(folder) if there else cls.create(folder, name)

    def update(self, **changes: Any) -> None:
        """Change the record, on the disk too.

        Parameters
        ----------
        **changes : object
            Fields of `StudyRecord`.

        Raises
        ------
        StorageError
            It cannot be written; the record on the disk stays as it was.
        """
        before = self.record
        self.record = StudyRecord.model_validate({**before.model_dump(by_alias=True), **changes})
        try:
            self._save()
        except StorageError:
            self.record = before
            raise

    def remember(
        self,
        image: Source,
        fluorescence: Source | None = None,
        *,
        image_channel: str | None = None,
        fluorescence_channel: str | None = None,
    ) -> None:
        """Record where the pixels come from and what was chosen.

        Parameters
        ----------
        image : Source
            The stack, or its label-free part.
        fluorescence : Source or None
            The fluorescence, when it comes from elsewhere.
        image_channel, fluorescence_channel : str or None
            The channels, by name.
        """
        self.update(
            image=self._placed(image),
            fluorescence=self._placed(fluorescence) if fluorescence else None,
            image_channel=image_channel,
            fluorescence_channel=fluorescence_channel,
        )

    def remember_stack(
        self, stack: Stack, *, image_channel: str | None = None, fluorescence_channel: str | None = None
    ) -> None:
        """Record how a stack was opened, and what was chosen.

        Parameters
        ----------
        stack : Stack
            From `open_stack`, `open_stacks` or `pair`, with the same channels. Of one that did not come from
            files only the channels are recorded.
        image_channel, fluorescence_channel : str or None
            The channels, by name.
        """
        source, paired = Source.of(stack), Source.of_fluorescence(stack)
        self.update(
            image=self._placed(source) if source else None,
            fluorescence=self._placed(paired) if source and paired else None,
            image_channel=image_channel,
            fluorescence_channel=fluorescence_channel,
        )

    def open_stack(self) -> Stack:
        """Open the stack that the study is about, as it was opened before.

        Returns
        -------
        Stack
            With the fluorescence paired, where it comes from elsewhere.

        Raises
        ------
        InputError
            Nothing was recorded, or the files are not there any more.
        """
        if self.record.image is None:
            raise InputError(f"The study {self.folder} names no images", "", "Choose the images again")
        stack = self._opened(self.record.image)
        if self.record.fluorescence is not None:
            stack = pair(stack, self._opened(self.record.fluorescence))
        return stack

    def _opened(self, source: Source) -> Stack:
        paths = [self.folder / path for path in source.paths]  # an absolute path stays as it is
        missing = [path for path in paths if not path.exists()]
        if missing:
            raise InputError(
                f"The images of the study {self.folder} are no longer at {missing[0]}",
                "They were expected where they were, or where they lie beside the study",
                "Move them back, or choose them again",
            )
        told = source.model_dump(exclude={"paths"})
        return open_stack(paths[0] if len(paths) == 1 else paths, **told)

    def _placed(self, source: Source) -> dict[str, Any]:
        """Keep paths relative to the study where both lie in one folder."""
        here = self.folder.absolute()
        paths = []
        for path in source.paths:
            whole = Path(path).absolute()
            near = whole.is_relative_to(here.parent)
            paths.append(Path(os.path.relpath(whole, here)).as_posix() if near else str(whole))
        return {**source.model_dump(), "paths": tuple(paths)}

    def _save(self) -> None:
        write_text(self.folder / STUDY_FILE, self.record.model_dump_json(by_alias=True, indent=2) + "\n")

    @property
    def labels_folder(self) -> Path:
        """Folder of the label movies."""
        return self.folder / "labels"

    @property
    def labels_auto(self) -> Path:
        """Automatic labels: ``.npy``, TYX, int32."""
        return self.labels_folder / "auto.npy"

    @property
    def labels_corrected(self) -> Path:
        """Corrected labels: ``.npy``, TYX, int32."""
        return self.labels_folder / "corrected.npy"

    @property
    def verdicts(self) -> Path:
        """Which frames are kept, and why (JSON)."""
        return self.folder / "verdicts.json"

    @property
    def journal(self) -> Path:
        """All corrections as they happened (JSON lines)."""
        return self.folder / "journal.jsonl"

    @property
    def models(self) -> Path:
        """Folder of the models trained in this study."""
        return self.folder / "models"

    @property
    def predictions(self) -> Path:
        """Folder of what models predicted."""
        return self.folder / "predictions"

    @property
    def results(self) -> Path:
        """Folder of tables and exported labels."""
        return self.folder / "results"


def default_study_folder(source: Path | str) -> Path:
    """Choose where the study of an image goes.

    Parameters
    ----------
    source : Path or str
        The file or folder of images.

    Returns
    -------
    Path
        ``NAME-cellseg`` beside the data; where that cannot be written, and for the samples that come with the
        program, in the user's own data folder.
    """
    source = Path(source).absolute()
    name = f"{source.name if source.is_dir() else stem_of(source)}-cellseg"
    beside = source.with_name(name)
    ours = _PACKAGE in source.resolve().parents
    if not ours and os.access(beside if beside.exists() else beside.parent, os.W_OK | os.X_OK):
        return beside
    mark = hashlib.sha256(str(source).encode()).hexdigest()[:8]
    return platformdirs.user_data_path("napari-cellseg") / "studies" / f"{name}-{mark}"
