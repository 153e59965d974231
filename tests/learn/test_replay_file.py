import json
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.numpy import load, save

from napari_cellseg.learn.card import DataSource
from napari_cellseg.learn.replay_file import Damaged, Patch, pack, unpack
from napari_cellseg.learn.targets import encode

SOURCE = DataSource(name="Bowl", licence="CC0", citation="Caicedo 2019")
SIDE = 32


def patches(n: int = 3, seed: int = 0, most: int = 9) -> list[Patch]:
    random = np.random.default_rng(seed)
    return [
        Patch(
            random.normal(0.5, 0.5, (SIDE, SIDE)).clip(-1, 3).astype(np.float16),
            np.kron(random.integers(-1, most, (4, 4)), np.ones((8, 8))).astype(np.int32),
            f"group {i}",
        )
        for i in range(n)
    ]


def changed(**tensors: npt.NDArray[np.generic]) -> bytes:
    """Write a file with other tensors in place of some."""
    raw = pack(patches(), [SOURCE])
    head = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    return bytes(save({**load(raw), **tensors}, head["__metadata__"]))


@pytest.mark.parametrize("most", [9, 3000])
def test_what_is_packed_comes_back(most: int) -> None:
    put = patches(most=most)
    for patch, frame in zip(put, unpack(pack(put, [SOURCE])), strict=True):
        targets = encode(patch.labels)
        np.testing.assert_array_equal(frame.state, targets.state)
        np.testing.assert_array_equal(frame.offset, targets.offset)
        image = patch.image.astype(float)
        assert np.abs(frame.image - image).max() <= (image.max() - image.min()) / 510 + 1e-3  # and float16
        assert frame.group == patch.group


@settings(max_examples=30)
@given(
    arrays.arrays(np.int32, (SIDE, SIDE), elements=st.integers(-1, 70000)),
    arrays.arrays(np.float16, (SIDE, SIDE), elements=st.floats(-1, 3, width=16)),
)
def test_any_patch_comes_back(labels: npt.NDArray[np.int32], image: npt.NDArray[np.float16]) -> None:
    (frame,) = unpack(pack([Patch(image, labels, "")], []))
    targets = encode(labels)
    np.testing.assert_array_equal(frame.state, targets.state)
    np.testing.assert_array_equal(frame.offset, targets.offset)
    assert np.abs(frame.image.astype(float) - image).max() <= 4 / 510 + 2e-3


def test_few_objects_take_one_byte_a_pixel_and_many_two() -> None:
    many = np.arange(SIDE * SIDE, dtype=np.int32).reshape(SIDE, SIDE)
    assert load(pack(patches(), []))["labels"].dtype == np.uint8
    assert load(pack([patches()[0]._replace(labels=many)], []))["labels"].dtype == np.uint16


def test_the_same_patches_give_the_same_file() -> None:
    assert pack(patches(), [SOURCE]) == pack(patches(), [SOURCE])
    assert b"CC0" in pack(patches(), [SOURCE])  # the licence travels with the images


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "text": lambda: b"no safetensors at all",
    "a huge header": lambda: (2**62).to_bytes(8, "little") + b"{}",
    "cut short": lambda: pack(patches(), [])[:-1],
    "something more": lambda: changed(more=np.zeros(1, np.uint8)),
    "no metadata": lambda: bytes(save(load(pack(patches(), [])))),
    "foreign metadata": lambda: bytes(save(load(pack(patches(), [])), {"about": "[1"})),
    "other metadata": lambda: bytes(save(load(pack(patches(), [])), {"about": '{"version": 2}'})),
    "greys as float": lambda: changed(images=np.zeros((3, SIDE, SIDE), np.float32)),
    "signed labels": lambda: changed(labels=np.zeros((3, SIDE, SIDE), np.int16)),
    "boundless labels": lambda: changed(labels=np.zeros((3, SIDE, SIDE), np.uint32)),
    "not square": lambda: changed(images=np.zeros((3, SIDE, SIDE + 1), np.uint8)),
    "too small": lambda: changed(images=np.zeros((3, 8, 8), np.uint8), labels=np.zeros((3, 8, 8), np.uint8)),
    "labels of another size": lambda: changed(labels=np.zeros((3, 64, 64), np.uint8)),
    "fewer ranges": lambda: changed(ranges=np.zeros((2, 2), np.float32)),
    "one number": lambda: changed(images=np.array(1, np.uint8)),
    "range of nothing": lambda: changed(ranges=np.full((3, 2), np.nan, np.float32)),
    "range backwards": lambda: changed(ranges=np.array([[1, 0]] * 3, np.float32)),
    "range without end": lambda: changed(ranges=np.array([[0, np.inf]] * 3, np.float32)),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_replay_set_is_refused(what: str) -> None:
    with pytest.raises(Damaged, match=r"^it|^what"):
        unpack(HOSTILE[what]())


def test_a_missing_tensor_is_refused() -> None:
    raw = pack(patches(), [])
    head = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    tensors = load(raw)
    del tensors["labels"]
    with pytest.raises(Damaged, match="it holds images, ranges, not"):
        unpack(bytes(save(tensors, head["__metadata__"])))
