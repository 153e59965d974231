import csv
import io

import numpy as np
import pytest

from napari_cellseg.cli import main
from napari_cellseg.data.project import Study, new_label_movie, open_label_movie
from napari_cellseg.label import edit as tools
from napari_cellseg.label.journal import Journal


@pytest.fixture
def study(tmp_path):
    """A study with two steps: a nucleus deleted through time by Ada, and one smoothed away by nobody."""
    study = Study.at(tmp_path / "study")
    study.folder.mkdir(exist_ok=True)
    movie = np.zeros((3, 20, 24), np.int32)
    movie[:, 2:8, 2:8], movie[:, 12:18, 12:20] = 1, 2
    new_label_movie(study.labels_auto, movie.shape)[:] = movie
    journal = Journal(study.journal, movie.shape)
    journal.append(*(tools.delete(movie[t], 1, frame=t, who="Ada") for t in (0, 1)))
    journal.append(tools.delete(movie[2], 2, frame=2))
    journal.append(tools.delete(movie[2], 1, frame=2))
    journal.undo()
    return study


def test_what_is_in_effect_is_listed(study, capsys):
    assert main(["corrections", "show", str(study.journal)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("1\t")
    assert lines[0].endswith("Ada\tdelete\tframe 0\ty 2 to 8, x 2 to 8 px")
    assert main(["corrections", "show", str(study.journal), "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["step"], row["frame"], row["who"], row["y0"]) for row in rows] == [
        ("1", "0", "Ada", "2"),
        ("1", "1", "Ada", "2"),
        ("2", "2", "", "12"),
    ]


def test_a_journal_is_applied_to_labels(study, tmp_path, capsys):
    out, before = tmp_path / "out.npy", study.labels_auto.read_bytes()
    command = ["corrections", "replay", str(study.journal), str(study.labels_auto), "--out", str(out)]
    assert main(command) == 0
    assert str(out) in capsys.readouterr().out
    expected = np.array(open_label_movie(study.labels_auto, "r"))
    expected[:2][expected[:2] == 1] = 0
    expected[2][expected[2] == 2] = 0
    assert np.array_equal(open_label_movie(out), expected)
    assert study.labels_auto.read_bytes() == before
    assert main(command) == 3  # there already
    assert "Choose another name" in capsys.readouterr().err
    assert main([*command[:2], str(tmp_path / "none.jsonl"), *command[3:]]) == 3
