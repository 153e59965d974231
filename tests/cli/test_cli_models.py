"""What can be done with models, on a model that learned nothing."""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_cellseg.cli import main
from napari_cellseg.config import NetConfig
from napari_cellseg.learn import registry
from napari_cellseg.learn.card import DataSource, ModelCard, read_card
from napari_cellseg.learn.model import save_model
from napari_cellseg.learn.nets import build

NET = NetConfig(encoder="tu-regnetx_002", decoder_channels=(16, 16))


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(registry, "user_models_folder", lambda: tmp_path / "own")
    monkeypatch.setattr(registry, "bundled_models_folder", lambda: tmp_path / "bundled")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "own"


@pytest.fixture
def mine(own: Path) -> Path:
    return put(own / "mine")


def put(folder: Path, seed: int = 0) -> Path:
    card = ModelCard(
        name=folder.name,
        title="Nuclei of clone 4",
        objects="nuclei",
        modality="phase contrast",
        created="2026-01-01T00:00:00+00:00",
        net=NET,
        low_percentile=1,
        high_percentile=99,
        object_diameter_px=14,
        train={},
        data_fingerprint="",
        n_frames=3,
        groups=("a",),
        held_out=("pos2",),
        held_out_how="Kept aside: pos2.",
        scores={"iou": 0.5},
        group_scores={"pos2": {"iou": 0.25}},
        sources=(DataSource(name="Set", licence="CC0-1.0", citation="Doe 2024"),),
        limits=("Not for dense layers.",),
        epochs=1,
        seconds=1,
        device="",
        versions={},
    )
    save_model(folder, card, build(NET, seed).state_dict())
    return folder


@pytest.mark.parametrize("arguments", [["models"], ["models", "list"]])
def test_list_tells_what_a_model_is_for(
    mine: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    put(mine.parents[1] / "bundled" / "standard")
    assert main(arguments) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.split("\t") == [
        "mine",
        "Nuclei of clone 4: nuclei of 14 px, phase contrast",
        first.split("\t")[2],
        "iou 0.50",
        "yours",
        str(mine),
    ]
    assert first.split("\t")[2].endswith(" MB")
    assert second.split("\t")[4] == "bundled"


def test_no_models_says_how_to_come_by_one(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    assert "napari-cellseg train" in capsys.readouterr().out


def test_models_are_put_in_order(mine: Path, own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "rename", "mine", "clone 4"]) == 0
    assert main(["models", "note", "clone 4", "use this one"]) == 0
    assert main(["models", "copy", "clone 4", "other"]) == 0
    assert main(["models", "info", "other"]) == 0
    told = capsys.readouterr().out
    for text in ("use this one", "scores pos2", "iou 0.25", "CC0-1.0", "Not for dense", "Nuclei of clone 4"):
        assert text in told
    assert main(["models", "delete", "clone 4"]) == 0
    assert [path.name for path in own.glob("[!.]*")] == ["other"]
    assert main(["models", "bin"]) == 0
    assert "clone 4" in capsys.readouterr().out
    assert main(["models", "restore", "clone 4"]) == 0
    assert read_card(own / "clone 4").note == "use this one"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["rename", "mine", "a/b"], "cannot be called"),
        (["rename", "nothing", "x"], "mine"),
        (["delete", "standard"], "read-only"),
        (["restore", "mine"], "holds: nothing"),
        (["import", "nowhere.zip"], "nowhere.zip"),
        (["export", "nothing", "-o", "x.zip"], "no model 'nothing'"),
    ],
)
def test_what_cannot_be_done_with_models_is_a_sentence(
    mine: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    put(mine.parents[1] / "bundled" / "standard")
    assert main(["models", *arguments]) == 4
    assert told in capsys.readouterr().err


def test_a_model_is_given_and_taken(mine: Path, own: Path) -> None:
    export = ["models", "export", "mine", "-o", "mine.zip", "--author", "Ada", "--licence", "CC-BY-4.0"]
    assert main(export) == 0
    assert "Ada" in zipfile.ZipFile("mine.zip").read("rdf.yaml").decode()
    assert main(["models", "import", "mine.zip", "--name", "theirs"]) == 0
    assert read_card(own / "theirs").sha256 == read_card(mine).sha256


def test_models_are_compared_on_the_same_images(
    mine: Path, own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(own / "other", seed=1)
    (tmp_path / "labels").mkdir()
    labels = np.zeros((2, 64, 64), np.uint16)
    labels[:, 20:32, 20:32] = 1
    for name in ("a", "b"):
        image = (1000 * labels + np.random.default_rng(0).integers(0, 99, labels.shape)).astype(np.uint16)
        tifffile.imwrite(tmp_path / f"{name}.tif", image, imagej=True, metadata={"axes": "TYX"})
        tifffile.imwrite(tmp_path / "labels" / f"{name}.tif", labels, imagej=True, metadata={"axes": "TYX"})
    compare = ["models", "compare", "mine", "other", "--images", "a.tif", "b.tif", "--labels", "labels"]
    assert main([*compare, "-o", "table.csv"]) == 0
    table = pd.read_csv(tmp_path / "table.csv")
    assert set(table["model"]) == {"mine", "other"}
    assert list(table.columns) == [
        "model", "model_hash", "frames", "iou", "ap50", "f1", "count_error", "seconds", "trained_on",
    ]  # fmt: skip
    assert (table["frames"] == 4).all()
    assert (table["trained_on"] == "a").all()
    quality = table["iou"] + table["ap50"]
    assert (quality.diff().dropna() <= 0).all()
    assert "count_error" in capsys.readouterr().out
