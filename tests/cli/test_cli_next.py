import json

import numpy as np
import pandas as pd
import pytest
from skimage.draw import disk

from napari_cellseg.cli import main
from napari_cellseg.data.project import Study, new_label_movie
from napari_cellseg.data.record import Source
from napari_cellseg.data.write import write_labels
from napari_cellseg.label.journal import Journal


@pytest.fixture
def study(tmp_path):
    plane = np.zeros((120, 160), np.int32)
    for label in range(1, 13):
        y, x = divmod(label - 1, 4)
        plane[disk((y * 40 + 20, x * 40 + 20), 10)] = label
    movie = np.stack([plane] * 5)
    movie[2, 36:43, 36:43] = 50
    write_labels(tmp_path / "movie.tif", movie)
    study = Study.create(tmp_path / "study")
    study.remember(Source(paths=(str(tmp_path / "movie.tif"),)))
    new_label_movie(study.labels_corrected, movie.shape)[:] = movie
    return study


def test_frames_are_listed_with_their_reasons(study, tmp_path, capsys):
    table = tmp_path / "suspects.csv"
    assert main(["next", str(study.folder), "--frames", "2", "--suspects", str(table)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "By time."
    assert lines[1].split(maxsplit=3)[:2] == ["frame", "2"]
    assert lines[1].endswith("1 nucleus appears for one frame only")
    assert len(lines) == 3
    rows = pd.read_csv(table)
    assert rows["label"].tolist() == [50]
    assert "appears for one frame only" in rows["reason"][0]


def test_json_for_scripts_and_nothing_left(study, capsys):
    assert main(["next", str(study.folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told[0]["frame"] == 2
    assert set(told[0]) == {"frame", "score", "reason", "crop"}
    journal = Journal(study.journal, (5, 120, 160))
    for t in range(5):
        journal.mark(t, "accepted")
    assert main(["next", str(study.folder)]) == 0
    assert capsys.readouterr().out.endswith("All frames are corrected.\n")


def test_a_folder_that_is_no_study_is_told(tmp_path, capsys):
    assert main(["next", str(tmp_path)]) == 3
    assert "study" in capsys.readouterr().err
