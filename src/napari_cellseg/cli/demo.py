"""The whole job on the sample study, as a new user would want to see it."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import ndimage as ndi

from napari_cellseg.cli.bar import show
from napari_cellseg.cli.commands import open_window
from napari_cellseg.config import LabelConfig, TrainConfig
from napari_cellseg.data.read import open_stack, open_stacks, read_labels
from napari_cellseg.data.sample_study import sample_positions, sample_study, sample_truth
from napari_cellseg.data.storage import versioned
from napari_cellseg.label.auto import auto_label_frame
from napari_cellseg.pipeline import label_stacks, predict_stacks, train_on_labels
from napari_cellseg.progress import duration


@dataclass(frozen=True)
class Comparison:
    """How the counts compare with the known truth, on the position that the network never saw.

    Attributes
    ----------
    true_count : int
        Nuclei in all frames.
    model_count : int
        Nuclei that the model found in the label-free frames.
    labels_count : int
        Nuclei that automatic labelling found in the fluorescence of the same frames.
    unstained : int
        Nuclei without a stain.
    unstained_by_model : int
        How many of them the model found: its objects cover more than half of each.
    unstained_by_labels : int
        How many of them automatic labelling found.
    """

    true_count: int
    model_count: int
    labels_count: int
    unstained: int
    unstained_by_model: int
    unstained_by_labels: int

    def error(self, count: int) -> float:
        """Compare a count with the truth.

        Parameters
        ----------
        count : int
            Nuclei found.

        Returns
        -------
        float
            Signed error as a fraction of the truth.
        """
        return (count - self.true_count) / self.true_count


def run(output: Path, minutes: float, show_window: bool) -> int:
    """Do the whole job and say where its results are.

    Parameters
    ----------
    output : Path
        Folder of the results. What an earlier run left there is kept beside, under another name.
    minutes : float
        Training time in minutes.
    show_window : bool
        True opens napari at the end.

    Returns
    -------
    int
        0.
    """
    started = time.perf_counter()
    if output.exists():
        output.rename(versioned(output))
    first, second, held_out = sample_positions()
    training, unseen = open_stacks([first, second], z="max"), open_stacks([held_out], z="max")

    _heading("1  Labels from the fluorescence of pos01 and pos02")
    verdicts = show(label_stacks(training, output / "labels"))
    print(f"{verdicts['keep'].sum()} of {len(verdicts)} frames kept")

    _heading(f"2  A U-Net learns from them to see nuclei in phase contrast, for {duration(60 * minutes)}")
    config = TrainConfig.checked(minutes=minutes)
    model = show(train_on_labels(training, output / "labels", output / "model", config=config))

    _heading("3  It finds the nuclei of pos03, which it never saw")
    show(predict_stacks(unseen, model, output / "results"))
    stack = Path(shutil.copy2(held_out, output / held_out.name))
    compared = compare(held_out, output / "results" / held_out.name)

    _heading("4  The window")
    picture = output / "window.png"
    if open_window([stack], model, picture) != 0:
        print("No picture of the window could be taken; `napari-cellseg doctor` tells why.")

    _heading(f"Done in {duration(time.perf_counter() - started)}")
    _tell(output, model, picture, compared)
    print(f"Open it all in napari: {shlex.join([_command(), 'open', str(stack), '--model', str(model)])}")
    return open_window([stack], model) if show_window else 0


def compare(position: Path, predicted: Path) -> Comparison:
    """Compare predictions of a sample position with its known truth, and with automatic labels.

    Parameters
    ----------
    position : Path
        The sample stack.
    predicted : Path
        Predicted labels of the same frames.

    Returns
    -------
    Comparison
        Counts over all frames.
    """
    stack = open_stack(position).flat()
    truth, found = read_labels(sample_truth(position)), read_labels(predicted)
    labels = np.stack([auto_label_frame(stack.frame(t, 1), LabelConfig()) for t in range(stack.n_frames)])
    nuclei = pd.read_csv(sample_study() / "truth" / "nuclei.csv")
    unstained = nuclei[(nuclei["position"] == position.stem) & (nuclei["stained"] == 0)]
    marks = list(zip(unstained["frame"], unstained["label"], strict=True))
    return Comparison(
        _count(truth),
        _count(found),
        _count(labels),
        len(marks),
        _covered(truth, found, marks),
        _covered(truth, labels, marks),
    )


def _count(movie: npt.NDArray[np.int32]) -> int:
    return sum(int(np.count_nonzero(np.unique(plane) > 0)) for plane in movie)


def _covered(truth: npt.NDArray[np.int32], found: npt.NDArray[np.int32], marks: list[tuple[int, int]]) -> int:
    """Count the nuclei that are covered for more than half by what was found."""
    return sum(float(ndi.mean(found[t] > 0, truth[t], label)) > 0.5 for t, label in marks)


def _tell(output: Path, model: Path, picture: Path, compared: Comparison) -> None:
    results = output / "results"
    print(f"Labels:    {output / 'labels'}")
    print(f"Model:     {model}")
    print(f"Nuclei:    {results / 'pos03.tif'}")
    print(f"Counts:    {results / 'counts.csv'}")
    print(f"Objects:   {results / 'cells.csv'}")
    if picture.is_file():
        print(f"Picture:   {picture}")
    print(
        f"Counting error on pos03: {compared.error(compared.model_count):+.1%}"
        f" ({compared.model_count} nuclei found in phase contrast, {compared.true_count} are there)"
    )
    print(
        f"Fluorescence alone:      {compared.error(compared.labels_count):+.1%}"
        f" ({compared.labels_count} nuclei; of {compared.unstained} without a stain it finds"
        f" {compared.unstained_by_labels}, the model {compared.unstained_by_model})"
    )


def _heading(text: str) -> None:
    print(f"\n{text}", flush=True)


def _command() -> str:
    """Say how this program is called here: by its full path where the shell would not find it."""
    beside = Path(sys.executable).with_name("napari-cellseg")
    return "napari-cellseg" if shutil.which("napari-cellseg") or not beside.exists() else str(beside)
