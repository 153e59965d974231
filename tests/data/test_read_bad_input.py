"""Whatever cannot be read is told in a sentence, before memory is taken."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_cellseg.data.read import open_stack, open_stacks
from napari_cellseg.errors import InputError


def read_all(path: Path | list[Path], **told: object) -> None:
    stack = open_stack(path, **told)  # type: ignore[arg-type]
    for t in range(stack.n_frames):  # damage inside is found when the plane is read
        np.asarray(stack.data[t])


def refused(path: Path | list[Path], match: str, **told: object) -> str:
    with pytest.raises(InputError, match=match) as caught:
        read_all(path, **told)
    said = str(caught.value)
    assert said.endswith(".")
    assert "Traceback" not in said
    return said


def movie(path: Path, n: int = 20, **how: object) -> Path:
    planes = np.random.default_rng(0).integers(0, 4000, (n, 40, 40), dtype=np.uint16)
    tifffile.imwrite(path, planes, photometric="minisblack", metadata={"axes": "TYX"}, **how)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("a.tif", b"", "is empty"),
        ("a.tif", b"hello, I am a table\n1,2\n", "is not a TIFF"),
        ("a.tif", b"II*\0", "cannot be read|cut short"),
        ("a.tif", b"II*\0\x08\0\0\0", "cannot be read|cut short"),
        ("a.tif", b"II*\0\xff\xff\xff\x7f" + bytes(50), "cannot be read|cut short"),
        ("a.tif", b"II*\0\x08\0\0\0" + bytes(range(256)) * 4, "cannot be read|cut short|arranged"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "cannot be read"),
        ("a.jpg", b"\xff\xd8\xff\xe0" + bytes(40), "cannot be read"),
        ("a.czi", b"ZISRAWFILE" + bytes(40), "microscope's own format"),
    ],
)
def test_files_that_are_no_images(tmp_path: Path, name: str, content: bytes, match: str) -> None:
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, match)


def test_there_is_no_such_file(tmp_path: Path) -> None:
    refused(tmp_path / "nothing.tif", "There is no file or folder")
    with pytest.raises(InputError, match="No file fits"):
        open_stacks([tmp_path / "*.tif"])


@pytest.mark.parametrize(
    "how", [{}, {"imagej": True}, {"compression": "zlib"}, {"ome": True}, {"bigtiff": True}]
)
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.99])
def test_truncated_movies(tmp_path: Path, how: dict[str, object], keep: float) -> None:
    whole = movie(tmp_path / "a.tif", **how).read_bytes()
    (tmp_path / "a.tif").write_bytes(whole[: int(len(whole) * keep)])
    refused(tmp_path / "a.tif", "cut short|cannot be read|declares")


def test_headers_that_go_round_in_a_circle(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif", shaped=False) as writer:
        for i in range(3):
            writer.write(np.full((4, 4), i, np.uint16), contiguous=False, metadata=None)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        at, first = tiff.pages.next_page_offset, tiff.pages[0].offset
    with (tmp_path / "a.tif").open("r+b") as file:
        file.seek(at)
        file.write(struct.pack("<I", first))
    refused(tmp_path / "a.tif", "in a circle")


def test_a_file_cut_between_its_pages(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for i in range(6):
            writer.write(np.full((40, 40), i, np.uint16), contiguous=False, compression="zlib", metadata=None)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        at = tiff.pages[3].offset
    whole = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(whole[: at - 10])
    refused(tmp_path / "a.tif", "cut short")


def test_damage_inside_a_compressed_plane_is_found_when_it_is_read(tmp_path: Path) -> None:
    movie(tmp_path / "a.tif", n=4, compression="zlib")
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        at = tiff.pages[2].dataoffsets[0]
    with (tmp_path / "a.tif").open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 200)
    stack = open_stack(tmp_path / "a.tif")
    assert stack.frame(1, 0).any()
    with pytest.raises(InputError, match="plane 2 is damaged"):
        stack.frame(2, 0)


@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_huge_dimensions_in_a_header_take_no_memory(tmp_path: Path, compression: str | None) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros((64, 64), np.uint16), compression=compression, metadata=None
    )
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as tiff:
        for tag in ("ImageWidth", "ImageLength", "RowsPerStrip"):
            tiff.pages[0].tags[tag].overwrite(300_000)
    tracemalloc.start()
    refused(tmp_path / "a.tif", "180 GB|cannot be read|cut short")
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


def test_a_huge_png_takes_no_memory(tmp_path: Path) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", 500_000, 500_000, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + bytes(100))
    refused(tmp_path / "a.png", "250 GB")


def test_a_truncated_picture(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 90), dtype=np.uint8)
    for name in ("a.png", "a.jpg"):
        Image.fromarray(noise).save(tmp_path / name)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 4])
        refused(tmp_path / name, "cannot be read")


def test_complex_pixels(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 6), np.complex64))
    refused(tmp_path / "a.tif", "complex64")


def test_wrong_axes_and_series(tmp_path: Path) -> None:
    file = movie(tmp_path / "a.tif")
    refused(file, "axes were told as 'CZYX'", axes="CZYX")
    refused(file, "axes were told as 'abc'", axes="abc")
    said = refused(file, "holds 1 images", series=4)
    assert "20 × 40 × 40" in said
    refused(file, "2 channel names", channel_names=["a", "b"])


def test_empty_folders_and_folders_without_images(tmp_path: Path) -> None:
    refused(tmp_path, "is empty")
    (tmp_path / "table.csv").write_text("a,b\n")
    refused(tmp_path, r"only files of the type .csv")
    (tmp_path / "phase").mkdir()
    assert "phase" in refused(tmp_path, "holds no TIFF")
    refused([], "No file was chosen")


def test_six_axes(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 2, 2, 2, 5, 6), np.uint8), metadata={"axes": "ATCZYX"})
    refused(tmp_path / "a.tif", "6 axes")


def test_a_file_that_shrinks_after_opening(tmp_path: Path) -> None:
    file = movie(tmp_path / "a.tif")
    stack = open_stack(file)
    file.write_bytes(file.read_bytes()[:20_000])
    with pytest.raises(InputError, match="ends within plane 19"):
        stack.frame(19, 0)
    file.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        stack.frame(0, 0)


def test_a_file_that_must_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = movie(tmp_path / "a.tif")

    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    refused(file, "must not be read")


def test_nan_and_constant_frames_open_fine(tmp_path: Path) -> None:
    for value in (np.nan, 0.0):
        tifffile.imwrite(tmp_path / "a.tif", np.full((5, 6), value, np.float32))
        frame = open_stack(tmp_path / "a.tif").frame(0, 0)
        np.testing.assert_array_equal(frame, np.full((5, 6), value, np.float32))
