"""Names of files as microscopes write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_cellseg.data.names import is_export, understand_names


def parts(name: str) -> tuple[str, str, str, int | None, int | None]:
    row = understand_names([Path(name)]).rows[0]
    return row.field, row.well, row.channel, row.t, row.z


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("VID7_A1_2_00d04h00m.tif", ("VID7_A1_2", "A1", "", 240, None)),
        ("VID7_Phase_H12_1_01d00h30m.tif", ("VID7_H12_1", "H12", "Phase", 1470, None)),
        ("plate_B3_1_2019y06m20d_07h33m.tif", ("plate_B3_1", "B3", "", 0, None)),
        ("xy01c1t001.tif", ("xy01", "", "c1", 1, None)),
        ("exp2_xy03c2t014.tif", ("exp2_xy03", "", "c2", 14, None)),
        ("movie_t001_c1_z3.tif", ("movie", "", "c1", 1, 3)),
        ("220524DS30_p0011_t00011_z001.tif", ("220524DS30_p0011", "", "", 11, 1)),
        ("img_000000007_Phase_002.tif", ("img", "", "Phase", 7, 2)),
        ("img_channel001_position002_time000000003_z004.tif", ("img_position002", "", "channel001", 3, 4)),
        ("r01c03f02p04-ch1sk5fk1fl1.tiff", ("A3_f02", "A3", "ch1", 5, 4)),
        ("Assay_A01_T0001F002L01A01Z03C04.tif", ("Assay_A01_F002", "A01", "C04", 1, 3)),
        (
            "IXMtest_A09_s1_w1CE70AD49-290D-4312-82E6-CDC717F32637.tif",
            ("IXMtest_A09_s1", "A09", "w1", None, None),
        ),
        ("pos1_dapi.ome.tif", ("pos1", "", "dapi", None, None)),
    ],
)
def test_patterns_of_microscopes(name: str, expected: tuple[str, str, str, int | None, int | None]) -> None:
    assert parts(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "train_set02.tif",
        "003cee89357d9fe13516167fd67b609a164651b21934585648c740d2c3d86dc1.png",
        "control 12.png",
        "cells.tif",
        "img_488.tif",
        "a_t1_t2.tif",
    ],
)
def test_names_that_tell_nothing_are_left_alone(name: str) -> None:
    assert not understand_names([Path(name)]).told


def test_incucyte_times_are_seconds_and_dates_count_from_the_first() -> None:
    preview = understand_names(
        [Path(f"x_A1_1_2019y06m{d}d_{h}m.tif") for d, h in (("30", "23h30"), ("30", "23h50"))]
        + [Path("x_A1_1_2019y07m01d_00h10m.tif")]
    )
    assert [row.time_s for row in preview.rows] == [0, 1200, 2400]
    assert understand_names([Path("x_A1_1_01d02h03m.tif")]).rows[0].time_s == 86400 + 7200 + 180


def test_a_capital_c_is_a_well_where_other_letters_stand_beside_it() -> None:
    wells = understand_names([Path("e_B1.tif"), Path("e_C1.tif")])
    assert [row.well for row in wells.rows] == ["B1", "C1"]
    channels = understand_names([Path("e_C1.tif"), Path("e_C2.tif")])
    assert [row.channel for row in channels.rows] == ["C1", "C2"]
    assert list(channels.fields()) == ["e"]


def test_the_preview_says_pattern_counts_and_examples() -> None:
    files = [Path(f"VID7_{well}_1_00d0{h}h00m.tif") for well in ("A1", "B2") for h in range(4)]
    lines = understand_names(files).lines()
    assert "IncuCyte" in lines[0]
    assert lines[1] == "8 files: 2 wells (A1, B2), 1 position (1), 4 times"
    assert lines[3].strip() == "VID7_A1_1_00d01h00m.tif: VID7, well A1, position 1, time 1 h"
    assert lines[-1].strip() == "and 3 more"


def test_only_exports_of_movies_count_as_such() -> None:
    assert is_export(understand_names([Path("xy1c1t1.tif")]).rows)
    assert is_export(understand_names([Path("img_channel000_position000_time000000000_z000.tif")]).rows)
    assert not is_export(understand_names([Path("EXP_p0011_t00011_z001.tif")]).rows)


@given(st.integers(0, 999), st.integers(1, 9), st.integers(0, 99), st.sampled_from(["_", "-", " ", "."]))
def test_numbers_come_back_whatever_separates_them(t: int, c: int, z: int, gap: str) -> None:
    name = gap.join(["exp", f"t{t:04}", f"c{c}", f"z{z:03}"]) + ".tif"
    assert parts(name) == ("exp", "", f"c{c}", t, z)


@pytest.mark.real
def test_names_of_real_files(real_data: Path) -> None:
    aisegcell = understand_names(sorted((real_data / "aisegcell" / "images").iterdir()))
    assert all(row.t is not None and row.z == 1 and row.position for row in aisegcell.rows)
    assert len([r for r in aisegcell.rows if r.field == "220524DS30_p0011"]) == 11
    bbbc = understand_names(sorted((real_data / "bbbc039" / "images").iterdir()))
    assert all(row.well and row.position for row in bbbc.rows)
    assert not understand_names(sorted((real_data / "dsb2018" / "images").iterdir())).told
