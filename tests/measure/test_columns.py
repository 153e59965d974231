from napari_cellseg.measure.columns import cell_columns, count_columns, heading, reference


def test_column_names_are_unique() -> None:
    for columns in (cell_columns(["Phase", "Nuclei"]), count_columns()):
        names = [column.name for column in columns]
        assert len(names) == len(set(names))


def test_units_are_in_the_names() -> None:
    endings = {"px": "_px", "µm": "_um", "µm²": "_um2", "s": "_s", "°": "_deg"}
    for column in (*cell_columns(["a"]), *count_columns()):
        if column.unit:
            assert column.name.endswith(endings[column.unit]), column.name
        assert column.description


def test_what_is_not_known_has_no_columns() -> None:
    names = {column.name for column in cell_columns(pixel_size=False, frame_interval=False)}
    assert not [name for name in names if name.endswith(("_um", "_um2")) or name == "time_s"]
    assert "area_px" in names


def test_headings_carry_units() -> None:
    assert heading("area_um2") == "area (µm²)"
    assert heading("mean_Nuclei A") == "Nuclei A mean"
    assert heading("n_by_area") == "objects by area"
    assert heading("something_else") == "something_else"


def test_the_reference_lists_every_column() -> None:
    text = reference()
    for column in (*cell_columns(["CHANNEL"]), *count_columns()):
        assert f"| `{column.name}` | {column.unit} |" in text
    assert "when the pixel size is known" in text
