import json
import os
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from napari_cellseg import __version__
from napari_cellseg.config import MeasureConfig
from napari_cellseg.errors import InputError, StorageError
from napari_cellseg.measure.columns import cell_columns, count_columns
from napari_cellseg.measure.objects import measure
from napari_cellseg.measure.tables import CellTable, Origin, write_tables
from napari_cellseg.progress import follow

Labels = npt.NDArray[np.int32]


def squares(*sides: int) -> Labels:
    labels = np.zeros((1, 40, 40 * max(len(sides), 1)), np.int32)
    for i, side in enumerate(sides):
        labels[0, :side, 40 * i : 40 * i + side] = i + 1
    return labels


def measured(name: str, labels: Labels, config: MeasureConfig | None = None) -> CellTable:
    origin = Origin(name, "phase A", "abc123", parameters={"threshold": 0.5, "channel": "Phasé"})
    return follow(measure(None, labels, config or MeasureConfig(), origin))


def test_every_row_says_where_it_comes_from(tmp_path: Path) -> None:
    paths = write_tables(tmp_path / "new", measured("m", squares(4, 6)))
    assert [path.name for path in paths] == ["counts.csv", "cells.csv"]
    for path in paths:
        table = pd.read_csv(path)
        assert table.columns[0] == "image"
        assert table.columns[-4:].tolist() == ["model", "model_hash", "program_version", "parameters"]
        assert set(table["image"]) == {"m"}
        assert set(table["model"]) == {"phase A"}
        assert set(table["model_hash"]) == {"abc123"}
        assert set(table["program_version"]) == {__version__}
        assert json.loads(table["parameters"][0]) == {"threshold": 0.5, "channel": "Phasé"}
        assert " " not in table["parameters"][0]


def test_what_is_read_back_is_what_was_written(tmp_path: Path) -> None:
    made = measured("m", squares(4, 7))
    counts, cells = write_tables(tmp_path, made)
    for path, table in ((counts, made.counts), (cells, made.cells)):
        read = pd.read_csv(path)
        pd.testing.assert_frame_equal(read, table.astype(read.dtypes), check_exact=True)


def test_earlier_results_are_kept(tmp_path: Path) -> None:
    for n in (1, 2, 3):
        write_tables(tmp_path, measured(f"run {n}", squares(4)))
        for path in tmp_path.glob("c*.csv"):
            os.utime(path, (1_700_000_000, 1_700_000_000))
    assert pd.read_csv(tmp_path / "cells.csv")["image"].tolist() == ["run 3"]
    earlier = sorted(path for path in tmp_path.glob("cells.*.csv"))
    assert len(earlier) == 2  # written in the same second, and yet apart
    assert all(
        re.fullmatch(r"cells\.\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d(-2)?\.csv", path.name) for path in earlier
    )
    assert {pd.read_csv(path)["image"][0] for path in earlier} == {"run 1", "run 2"}


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="file"):
        write_tables(tmp_path / "file", measured("m", squares(4)))


def test_rows_without_origin_are_refused(tmp_path: Path) -> None:
    table = measured("m", squares(4))
    with pytest.raises(InputError, match="model_hash"):
        write_tables(tmp_path, CellTable(table.cells.drop(columns="model_hash"), table.counts))
    assert not list(tmp_path.iterdir())


def test_single_images_share_one_typical_nucleus() -> None:
    # The second image holds nothing but a clump of nine: alone, it would count one nucleus by area.
    both = CellTable.concat([measured("a", squares(4, 4, 4)), measured("b", squares(12))])
    assert both.counts["image"].tolist() == ["a", "b"]
    assert both.counts["n_by_instances"].tolist() == [3, 1]
    assert both.counts["n_by_area"].tolist() == [3, 9]
    assert both.cells.groupby("image").size().to_dict() == {"a": 3, "b": 1}


def test_a_given_diameter_stays() -> None:
    config = MeasureConfig(typical_diameter_px=10)
    both = CellTable.concat([measured(name, squares(4), config) for name in "ab"])
    np.testing.assert_allclose(both.counts["typical_area_px"], np.pi * 25)
    assert both.typical_given


def test_images_of_other_pixel_sizes_have_typical_nuclei_of_their_own() -> None:
    tables = []
    for name, side, size in (("a", 4, 0.5), ("b", 4, 0.5), ("c", 8, 0.25), ("d", 2, None)):
        table = measured(name, squares(side, side))
        if size is not None:
            table.counts.insert(3, "pixel_size_um", size)
        tables.append(table)
    joined = CellTable.concat(tables).counts
    assert joined["typical_area_px"].tolist() == [16, 16, 64, 4]
    assert joined["n_by_area"].tolist() == [2, 2, 2, 2]
    assert joined["image"].tolist() == ["a", "b", "c", "d"]


def test_empty_images_keep_their_row(tmp_path: Path) -> None:
    both = CellTable.concat([measured("a", squares()), measured("b", squares(5)), measured("c", squares())])
    assert both.counts["n_by_instances"].tolist() == [0, 1, 0]
    assert both.counts["n_by_area"].tolist() == [0, 1, 0]
    assert len(both.cells) == 1
    assert both.cells["label"].dtype == np.int64
    write_tables(tmp_path, both)


@pytest.mark.parametrize("n", [1, 2])
def test_nothing_at_all_still_has_its_headings(tmp_path: Path, n: int) -> None:
    _, cells = write_tables(tmp_path, CellTable.concat([measured(str(i), squares()) for i in range(n)]))
    expected = [column.name for column in cell_columns(pixel_size=False, frame_interval=False)]
    assert pd.read_csv(cells).columns.tolist() == expected


def test_no_table_at_all() -> None:
    none = CellTable.concat([])
    assert none.cells.columns.tolist() == [column.name for column in cell_columns()]
    assert none.counts.columns.tolist() == [column.name for column in count_columns()]
    assert not len(none.cells)
