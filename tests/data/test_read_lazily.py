"""Opening costs the header, a frame costs a frame, and memory stays flat."""

from __future__ import annotations

import logging
import os
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_cellseg.data.pages import RawPages, TiffPages
from napari_cellseg.data.read import open_stack
from napari_cellseg.errors import InputError

N = 2000


@pytest.fixture(scope="module", params=["imagej", "zlib", "files"])
def long_movie(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A movie of 2,000 frames whose first pixel is the number of the frame."""
    folder = tmp_path_factory.mktemp("long")
    frame = np.random.default_rng(0).integers(0, 4000, (64, 64), dtype=np.uint16)

    def frames() -> Iterator[np.ndarray]:  # type: ignore[type-arg]
        for t in range(N):
            frame[0, 0] = t
            yield frame

    if request.param == "files":
        for t, plane in enumerate(frames()):
            tifffile.imwrite(folder / f"m_t{t:04}.tif", plane)
        return folder
    tifffile.imwrite(
        folder / "m.tif",
        frames(),
        shape=(N, 64, 64),
        dtype=np.uint16,
        imagej=request.param == "imagej",
        compression=None if request.param == "imagej" else "zlib",
        metadata={"axes": "TYX"},
    )
    return folder / "m.tif"


def test_opening_is_fast_and_reading_takes_one_frame(
    long_movie: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = time.perf_counter()
    stack = open_stack(long_movie)
    assert time.perf_counter() - start < 3  # 0.2 s on a quiet machine
    assert stack.n_frames == N
    read: list[int] = []
    for kind in (RawPages, TiffPages):
        original = kind.read

        def counted(self, page, original=original):  # type: ignore[no-untyped-def]
            read.append(page)
            return original(self, page)

        monkeypatch.setattr(kind, "read", counted)
    assert stack.frame(1234, 0)[0, 0] == 1234
    assert len(read) == 1


def test_memory_stays_flat(long_movie: Path) -> None:
    stack = open_stack(long_movie)
    tracemalloc.start()
    for t in range(0, N, 100):
        assert stack.frame(t, 0)[0, 0] == t
        if t == 200:  # what is imported on first use is there
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
    now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert now - before < 1e6
    assert peak - before < 4e6  # the whole movie has 16 MB


@given(
    st.sampled_from(["imagej", "ome", "zlib"]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6),
    st.floats(0.2, 1),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damage_ends_in_anything_but_a_sentence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str, hits: list[tuple[float, int]], keep: float
) -> None:
    caplog.set_level(logging.CRITICAL, "tifffile")
    file = tmp_path / "a.tif"
    tifffile.imwrite(
        file,
        np.arange(6 * 9 * 8, dtype=np.uint16).reshape(6, 9, 8),
        imagej=kind == "imagej",
        ome=kind == "ome",
        compression="zlib" if kind == "zlib" else None,
        metadata={"axes": "TYX"},
    )
    whole = bytearray(file.read_bytes())
    for place, value in hits:
        at = int(place**3 * (len(whole) - 1))  # most often in the headers at the start
        whole[at] = value
    file.write_bytes(whole[: int(len(whole) * keep)])
    with suppress(InputError):  # a sentence; any other error fails the test
        stack = open_stack(file)
        assert np.asarray(stack.data[0, 0, 0]).shape == stack.frame_shape


@pytest.mark.skipif(os.name == "nt", reason="Windows takes room on the disk for holes too")
def test_an_imagej_movie_beyond_four_gigabytes_has_one_header_for_all(tmp_path: Path) -> None:
    """ImageJ writes one header, then the planes one after the other (here as holes in the file)."""
    n, side = 600, 2048
    description = f"ImageJ=1.54f\nimages={n}\nframes={n}\nhyperstack=true\nunit=um\nfinterval=60\n"
    file = tmp_path / "big.tif"
    tifffile.imwrite(
        file, np.zeros((side, side), ">u2"), description=description, metadata=None, byteorder=">"
    )
    with tifffile.TiffFile(file) as tiff:
        start = tiff.pages.first.dataoffsets[0]
    with file.open("r+b") as raw:
        raw.truncate(start + n * side * side * 2)
        raw.seek(start + 567 * side * side * 2)
        raw.write(np.array([321], ">u2").tobytes())
    stack = open_stack(file)
    assert stack.data.shape == (n, 1, 1, side, side)
    assert stack.frame_interval_s == 60
    assert stack.frame(567, 0)[0, 0] == 321
    assert not stack.frame(n - 1, 0).any()
    with file.open("r+b") as raw:
        raw.truncate(start + n * side * side * 2 - 1)
    with pytest.raises(InputError, match="600 planes"):
        open_stack(file)
