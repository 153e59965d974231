"""Training and applying a network that gives every pixel a class, as typed by a person."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from scipy import ndimage as ndi

from napari_cellseg.cli import main
from napari_cellseg.data import stack
from napari_cellseg.data.labels import read_labels
from napari_cellseg.data.opening import open_stack
from napari_cellseg.learn import blocks, registry
from napari_cellseg.learn.card import read_card

QUICK = ["--max-epochs", "3", "--batch-size", "4", "--device", "cpu", "--encoder", "tu-regnetx_002"]
SMALL = [*QUICK, "--decoder-channels", "32", "16", "16"]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small movies of grey disks with bright ones within, and their classes."""
    folder, random = tmp_path_factory.mktemp("classes"), np.random.default_rng(0)
    rows, columns = np.indices((96, 96))
    for name in ("images", "labels"):
        (folder / name).mkdir()
    for position in ("a", "b"):
        labels = np.zeros((3, 96, 96), np.uint8)
        for frame in labels:
            for y, x in random.uniform(8, 88, (9, 2)):
                away = (rows - y) ** 2 + (columns - x) ** 2
                frame[away <= 81] = 1
                frame[away <= 25] = 2
        light = ndi.gaussian_filter(np.array([300.0, 600.0, 1000.0])[labels], (0, 1, 1))
        image = (light + random.normal(0, 40, labels.shape)).clip(0).astype(np.uint16)
        tifffile.imwrite(folder / "images" / f"{position}.tif", image, imagej=True, metadata={"axes": "TYX"})
        tifffile.imwrite(folder / "labels" / f"{position}.tif", labels, imagej=True, metadata={"axes": "TYX"})
    return folder


@pytest.fixture(scope="module")
def model(study: Path) -> Path:
    images, labels = str(study / "images"), str(study / "labels")
    train = ["train", images, "--labels", labels, "-o", str(study / "model"), "--classes", "3", *SMALL]
    assert main(train) == 0
    return study / "model"


def test_classes_are_written_with_their_areas(
    study: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = study / "results"
    told = ["--model", str(model), "-o", str(out), "--pixel-size-um", "0.5", "--probabilities"]
    assert main(["predict", str(study / "images"), *told]) == 0
    said = capsys.readouterr().out
    assert "class 2" in said
    assert "objects" not in said
    table = pd.read_csv(out / "classes.csv")
    assert not (out / "counts.csv").exists()
    assert len(table) == 2 * 3 * 3
    for name in ("a", "b"):
        found, truth = tifffile.imread(out / f"{name}.tif"), tifffile.imread(study / "labels" / f"{name}.tif")
        assert (found == truth).mean() > 0.9
        rows = table[table["image"] == name]
        areas = [(plane == number).sum() for plane in found for number in range(3)]
        assert rows["class_area_px"].tolist() == areas
        np.testing.assert_allclose(rows["class_area_um2"], rows["class_area_px"] / 4)
        np.testing.assert_allclose(rows.groupby("frame")["class_fraction"].sum(), 1)
        chance = tifffile.imread(out / "probabilities" / f"{name}.tif")
        assert ((chance > 127) == (found > 0)).mean() > 0.95
    assert (table["model_hash"] == read_card(model).sha256[:12]).all()


def test_images_too_large_for_memory_are_given_classes_in_parts(
    study: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = np.concatenate([*tifffile.imread(study / "images" / "a.tif")], axis=1)
    image = np.concatenate([row, row[:, ::-1], row], axis=0)
    tifffile.imwrite(tmp_path / "slide.tif", image)
    told = [str(tmp_path / "slide.tif"), "--model", str(model), "--pixel-size-um", "0.5", "--probabilities"]
    assert main(["predict", *told, "-o", str(tmp_path / "whole")]) == 0
    monkeypatch.setattr(stack, "LARGE_PX", 200 * 200)
    monkeypatch.setattr(blocks, "SIDE_PX", 128)
    assert main(["predict", *told, "-o", str(tmp_path / "parts")]) == 0
    found, whole = (read_labels(tmp_path / name) for name in ("parts/slide.ome.zarr", "whole/slide.tif"))
    assert (found == whole).mean() > 0.97
    table = pd.read_csv(tmp_path / "parts" / "classes.csv")
    assert table["class_area_px"].tolist() == np.bincount(found.ravel(), minlength=3).tolist()
    assert table["class_area_px"].sum() == image.size
    chance = open_stack(tmp_path / "parts" / "probabilities" / "slide.ome.zarr").frame(0, 0)
    assert ((chance > 127) == (found > 0)).mean() > 0.95


def test_the_model_is_listed_with_its_classes(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "user_models_folder", lambda: model.parent)
    monkeypatch.setattr(registry, "bundled_models_folder", lambda: model.parent / "none")
    assert main(["models"]) == 0
    line = capsys.readouterr().out
    assert "3 classes of pixels" in line
    assert "iou_2" in line
    assert " px" not in line.replace(str(model), "")


@pytest.mark.parametrize(
    ("told", "code", "words"),
    [
        (["--classes", "2"], 3, "hold the number 2"),
        (["--classes", "1"], 2, "Background is a class, too"),
    ],
)
def test_what_cannot_be_is_a_sentence(
    study: Path, told: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    images, labels, out = (str(study / name) for name in ("images", "labels", "no model"))
    assert main(["train", images, "--labels", labels, "-o", out, *told, *SMALL]) == code
    assert words in capsys.readouterr().err
    assert not Path(out).exists()
