from collections.abc import Callable
from pathlib import Path

import dask.array as da
import numpy as np
import pandas as pd
import pytest

import napari_cellseg.learn.comparison as engine
from napari_cellseg.data.samples import Sample
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import InputError, ModelError
from napari_cellseg.learn.comparison import compare_models
from napari_cellseg.learn.events import FramePredicted
from napari_cellseg.live.comparing import ComparisonJob, compare_on_study, saved
from napari_cellseg.progress import Cancelled, Note, Progress, Steps, follow

Write = Callable[..., Path]
N_FRAMES, SIDE = 3, 64


@pytest.fixture
def models(fake_model: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, ...]:
    """Models that find what is bright, in place of networks; "poor" ones miss the left half."""
    looked: list[tuple[str, int]] = []

    def predict(stack: Stack, channel: int, model: Path, config: object, **_: object) -> Steps[None]:
        yield Note(f"{model.name} looks")
        for t in range(stack.n_frames):
            seen = stack.frame(t, channel)
            looked.append((model.name, int(seen.max())))
            labels = np.where(seen > 100, truth()[0], 0).astype(np.int32)
            if model.name == "poor":
                labels[:, : SIDE // 2] = 0
            yield FramePredicted(t, labels, None)

    monkeypatch.setattr(engine, "predict", predict)
    return (
        fake_model(tmp_path / "poor", groups=("s",)),
        fake_model(tmp_path / "good"),
        fake_model(tmp_path / "stained", modality="fluorescence"),
    )


def truth() -> np.ndarray:
    labels = np.zeros((N_FRAMES, SIDE, SIDE), np.int32)
    for number, (y, x) in enumerate([(8, 8), (8, 40), (40, 40)], start=1):
        labels[:, y : y + 12, x : x + 12] = number
    labels[2, 40:52, 8:20] = 4  # nobody finds this one: the models know the first frame
    return labels


def study() -> tuple[Stack, Stack]:
    labels = truth()
    planes = np.stack(
        [labels[:1].repeat(N_FRAMES, 0) * 200, (labels[:1].repeat(N_FRAMES, 0) > 0) * 900], axis=1
    )
    stack = Stack(da.from_array(planes.astype(np.uint16)[:, :, None]), ("Phase", "DAPI"), "s")
    return stack, Stack(da.from_array(labels[:, None, None]), ("labels",), "truth")


def job(models: tuple[Path, ...], **changes: object) -> ComparisonJob:
    return ComparisonJob(**{"models": models, "image": 0, "stained": 1, "frames": (0, 2), **changes})


def test_figures_are_those_of_the_engine_and_their_origin_is_told(models: tuple[Path, ...]) -> None:
    told: list[object] = []
    made = follow(compare_on_study(*study(), job(models, truth="mine")), told.append)
    samples = [Sample(study()[0].frame(t, 0), truth()[t], "s", f"{t}") for t in (0, 2)]
    expected = follow(compare_models(models, samples))
    shared = [name for name in expected if name != "seconds"]
    pd.testing.assert_frame_equal(made.table[shared], expected[shared])
    assert made.table["model"].tolist() == ["good", "stained", "poor"]
    assert made.table["ap75"].tolist() == made.table["ap50"].tolist() == [6 / 7, 6 / 7, 4 / 7]
    assert made.table["channel"].tolist() == ["Phase", "DAPI", "Phase"]
    assert set(made.table["frame_numbers"]) == {"0 2"}
    assert set(made.table["truth"]) == {"mine"}
    assert made.table["trained_on"].tolist() == ["", "", "s"]
    assert (made.frames, made.frame) == ((0, 2), 2)
    done = [event.done for event in told if isinstance(event, Progress)]
    assert done == [0, 1, 2, *range(1, 7)]
    assert [panel.heading for panel in made.panels] == [
        "Truth",
        "good · Phase",
        "stained · DAPI",
        "poor · Phase",
    ]
    assert made.panels[0].caption == "4 objects"
    assert made.panels[-1].caption == "2 found · 2 missed · 0 invented"


def test_frames_without_labels_are_left_out_where_they_are_not_labelled_yet(models: tuple[Path, ...]) -> None:
    stack, _ = study()
    labels = truth()
    labels[0] = 0
    some = Stack(da.from_array(labels[:, None, None]), ("labels",), "truth")
    made = follow(compare_on_study(stack, some, job(models[:2], skip_empty=True)))
    assert made.frames == (2,)
    assert [panel.heading for panel in made.panels] == ["Truth", "good", "poor"]
    labels[:] = 0
    none = Stack(da.from_array(labels[:, None, None]), ("labels",), "truth")
    with pytest.raises(InputError, match="None of the 2 frames chosen has a label"):
        follow(compare_on_study(stack, none, job(models, skip_empty=True)))


def test_too_few_models_and_damaged_ones_are_told(models: tuple[Path, ...]) -> None:
    for wrong in (models[:1], (*models, *models), (models[0], models[0])):
        with pytest.raises(InputError, match="2 to 6"):
            follow(compare_on_study(*study(), job(wrong)))
    (models[1] / "weights.safetensors").write_bytes(b"other")
    with pytest.raises(ModelError, match="weights of the model good"):
        follow(compare_on_study(*study(), job(models)))


def test_a_stop_ends_it(models: tuple[Path, ...]) -> None:
    seen: list[object] = []

    def tell(event: object) -> None:
        seen.append(event)

    with pytest.raises(Cancelled):
        follow(compare_on_study(*study(), job(models)), tell, lambda: isinstance(seen[-1], Note))
    assert isinstance(seen[-1], Note)


def test_the_table_comes_back_from_its_file(tmp_path: Path) -> None:
    table = pd.DataFrame({"model": ["a", "b"], "ap50": [0.123456789, 1.0]})
    path = follow(saved(table, tmp_path / "t.csv"))
    pd.testing.assert_frame_equal(pd.read_csv(path), table)
