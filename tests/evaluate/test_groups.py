from pathlib import Path

import pytest

from napari_cellseg.errors import InputError
from napari_cellseg.evaluate.groups import groups_of, read_groups


@pytest.mark.parametrize(
    "text",
    [
        "image,group\na.tif,wild type\nb,mutant\n",
        "\ufeffImage;Group;note\r\na.tif;wild type;x, y\r\nb;mutant;\r\n",
        "group\timage\nwild type\ta.tif\nmutant\tb\n\tc\n",
    ],
)
def test_tables_as_spreadsheets_write_them(tmp_path: Path, text: str) -> None:
    (tmp_path / "g.csv").write_text(text, encoding="utf-8", newline="")
    assert read_groups(tmp_path / "g.csv") == {"a.tif": "wild type", "b": "mutant"}


def test_images_are_found_by_their_usual_names() -> None:
    groups = {"a.tif": "1", "exp.1 pos.2": "2", "C_mask.png": "3"}
    assert groups_of(["a", "exp.1 pos.2", "c", "d"], groups) == {"a": "1", "exp.1 pos.2": "2", "c": "3"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is no table"),
        (b"name,group\na,b\n", "has the columns name, group"),
        (b"image,group\na,1\na,2\n", "puts a into the groups 1 and 2"),
        (b"image,group\n\xff\xfe,1\n", "cannot be read"),
        (b'image,group\na,"1\n', "is no table"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "g.csv").write_bytes(content)
    with pytest.raises(InputError, match=told):
        read_groups(tmp_path / "g.csv")


def test_a_missing_file_and_a_table_of_other_images() -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_groups(Path("nowhere.csv"))
    with pytest.raises(InputError, match="None of the 2 images"):
        groups_of(["a", "b"], {"c": "1"})
