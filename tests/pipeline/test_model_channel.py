import dask.array as da
import numpy as np
import pytest

from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError
from napari_cellseg.pipeline.inputs import FLUORESCENCE, model_channel


def stack(*channels: str) -> Stack:
    return Stack(da.from_array(np.zeros((1, len(channels), 1, 8, 8))), channels, "pos1")


def test_a_model_for_stained_cells_looks_at_the_stain_and_others_do_not() -> None:
    both = stack("Phase", "DAPI")
    assert model_channel(both, None, FLUORESCENCE) == 1
    assert model_channel(both, None, "phase contrast") == 0
    assert model_channel(both, "Phase", FLUORESCENCE) == 0


def test_the_only_channel_is_taken_whatever_its_name() -> None:
    assert model_channel(stack("DAPI"), None, "bright-field") == 0
    assert model_channel(stack("image"), None, FLUORESCENCE) == 0


def test_a_stain_that_is_not_there_is_told() -> None:
    with pytest.raises(InputError, match="Phase, DIC"):
        model_channel(stack("Phase", "DIC"), None, FLUORESCENCE)
