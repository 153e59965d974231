"""Learning from the corrections of a study, by the command that a person would type."""

from pathlib import Path

import numpy as np
import pytest

from napari_cellseg.cli import main
from napari_cellseg.data.project import Study, new_label_movie, open_label_movie
from napari_cellseg.data.read import open_stack, read_labels
from napari_cellseg.data.sample_study import sample_positions, sample_truth
from napari_cellseg.evaluate.learning import LOG_FILE, read_log
from napari_cellseg.label.journal import Journal


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A study of the sample with two accepted frames."""
    position = sample_positions()[0]
    stack, truth = open_stack(position), read_labels(sample_truth(position))
    study = Study.create(tmp_path / "study")
    study.remember_stack(stack, image_channel=stack.channels[0], fluorescence_channel=stack.channels[1])
    new_label_movie(study.labels_corrected, truth.shape)[:] = truth
    journal = Journal(study.journal, truth.shape)
    for t in (0, 1):
        journal.mark(t, "accepted")
    return study


def test_a_study_learns_and_says_so(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    before = np.array(open_label_movie(study.labels_corrected, "r"))
    options = ["--minutes", "0.1", "--propose", "2", "--device", "cpu"]
    assert main(["learn", str(study.folder), *options]) == 0
    told = capsys.readouterr().out
    (point,) = read_log(study.folder / LOG_FILE).points
    assert point.flatters
    assert f"AP50 on the frames it learned from (too good): {point.ap50:.2f}" in told
    assert str(study.models / "learned 1") in told
    after = np.array(open_label_movie(study.labels_corrected, "r"))
    changed = {t for t in range(len(before)) if not np.array_equal(before[t], after[t])}
    assert changed == (set() if not point.kept else {2, 3})
    assert f"New labels in {len(changed)} uncorrected frames" in told


def test_what_cannot_be_learned_from_is_told(
    study: Study, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    study.journal.unlink()
    assert main(["learn", str(study.folder)]) == 3
    assert "No frame was accepted or corrected yet" in capsys.readouterr().err
    study.labels_corrected.unlink()
    assert main(["learn", str(study.folder)]) == 3
    assert "has no corrected labels" in capsys.readouterr().err
