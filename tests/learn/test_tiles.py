import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_cellseg.learn.tiles import apply_tiled, starts, window


def same(tiles: np.ndarray) -> np.ndarray:
    return np.stack([tiles, -tiles], 1)


@settings(max_examples=80)
@given(
    st.tuples(st.integers(1, 200), st.integers(1, 200)),
    st.sampled_from([32, 64, 96]),
    st.integers(0, 100),
    st.integers(1, 4),
)
def test_what_is_cut_into_tiles_and_blended_is_the_frame(
    shape: tuple[int, int], tile: int, overlap: int, batch: int
) -> None:
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    maps = apply_tiled(image, same, tile_px=tile, overlap_px=overlap, batch=batch)
    assert np.allclose(maps, [image, -image], atol=1e-5)


@settings(max_examples=80)
@given(st.integers(1, 3000), st.integers(1, 500), st.integers(0, 250))
def test_tiles_cover_the_side_and_overlap(length: int, tile: int, overlap: int) -> None:
    overlap = min(overlap, tile // 2)
    first = starts(max(length, tile), tile, overlap)
    assert first[0] == 0
    assert first[-1] + tile == max(length, tile)
    steps = np.diff(first)
    assert (steps > 0).all()
    assert (tile - steps >= overlap).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (40, 33), (130, 250)])
def test_the_network_meets_only_multiples_of_32(shape: tuple[int, int]) -> None:
    met: list[tuple[int, ...]] = []

    def apply(tiles: np.ndarray) -> np.ndarray:
        met.append(tiles.shape)
        return tiles[:, None]

    maps = apply_tiled(np.zeros(shape, np.float32), apply, tile_px=64, overlap_px=16, batch=3)
    assert maps.shape == (1, *shape)
    assert all(n <= 3 and height % 32 == 0 and width % 32 == 0 for n, height, width in met)


def test_seams_are_blended() -> None:
    calls = iter(range(100))

    def apply(tiles: np.ndarray) -> np.ndarray:
        return np.stack([np.full((1, *tile.shape), float(next(calls)), np.float32) for tile in tiles])

    maps = apply_tiled(np.zeros((64, 160), np.float32), apply, tile_px=64, overlap_px=32)
    assert np.abs(np.diff(maps[0, 32])).max() < 0.1  # tiles differ by 1; no step is visible


def test_window_never_vanishes() -> None:
    weights = window((33, 65), 15)
    assert weights.shape == (33, 65)
    assert weights.min() > 0
    assert weights.max() == 1
