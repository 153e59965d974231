import csv
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_cellseg.data import sample_study as module
from napari_cellseg.data.read import open_stack
from napari_cellseg.data.sample_study import sample_positions, sample_study, sample_truth
from napari_cellseg.errors import InputError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def rows():
    with (sample_study() / "truth" / "nuclei.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_three_positions_open_as_stacks_that_say_what_they_are():
    positions = sample_positions()
    assert [path.stem for path in positions] == ["pos01", "pos02", "pos03"]
    for path in positions:
        stack = open_stack(path)
        assert stack.data.shape == (14, 2, 1, 320, 320)
        assert stack.channels == ("Phase", "Nuclei")
        assert stack.pixel_size_um == pytest.approx(0.64)
        assert stack.frame_interval_s == pytest.approx(600)
        assert stack.axes_sure


def test_the_truth_fits_the_stacks_and_the_table(rows):
    for path in sample_positions():
        truth = tifffile.imread(sample_truth(path))
        assert truth.shape == (14, 320, 320)
        counts = [len(np.unique(frame)) - 1 for frame in truth]
        assert all(30 <= n <= 60 for n in counts)
        listed = [row for row in rows if row["position"] == path.stem]
        assert len(listed) == sum(counts)
        for row in listed[:: len(listed) // 20]:
            inside = truth[int(row["frame"])] == int(row["label"])
            assert inside.sum() == int(row["area_px"])


def test_a_tenth_of_the_nuclei_is_unstained(rows):
    for path in sample_positions():
        stained = [row["stained"] == "1" for row in rows if row["position"] == path.stem]
        assert 0.08 <= 1 - np.mean(stained) <= 0.12


def test_the_study_is_small():
    tracked = [*sample_positions(), *(sample_study() / "truth").iterdir()]
    assert sum(path.stat().st_size for path in tracked) < 6e6


def test_the_link_beside_the_script_leads_to_the_study():
    link = ROOT / "sample_data" / "study"
    if not link.is_symlink():
        pytest.skip("this checkout has no symbolic links (Windows)")
    assert link.resolve() == sample_study().resolve()


def test_what_is_missing_is_said(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"no position pos99.*pos01, pos02, pos03"):
        sample_truth(Path("pos99.tif"))
    monkeypatch.setattr(module, "__file__", str(tmp_path / "data" / "sample_study.py"))
    with pytest.raises(InputError, match="comes with the package"):
        sample_study()
    (tmp_path / "sample_study").mkdir()
    with pytest.raises(InputError, match="no stack"):
        sample_positions()
