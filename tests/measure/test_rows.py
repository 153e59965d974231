import numpy as np
import pandas as pd
import pytest

from napari_cellseg.measure import rows as rows_module
from napari_cellseg.measure.rows import Rows


def test_rows_stay_in_order_however_many_are_joined_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "_AT_ONCE", 3)
    tables = [pd.DataFrame({"frame": np.full(t % 4, t), "area": np.arange(t % 4) / 2}) for t in range(11)]
    rows = Rows()
    for table in tables:
        rows.add(table)
    pd.testing.assert_frame_equal(rows.table(), pd.concat(tables, ignore_index=True))
    rows.add(tables[3])
    pd.testing.assert_frame_equal(rows.table(), pd.concat([*tables, tables[3]], ignore_index=True))


def test_without_tables_there_is_none() -> None:
    assert Rows().table() is None
