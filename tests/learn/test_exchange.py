import importlib.util
import io
import json
import socket
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from napari_cellseg.config import NetConfig
from napari_cellseg.errors import CellSegError, ModelError
from napari_cellseg.learn import registry
from napari_cellseg.learn.card import DataSource, ModelCard, read_card
from napari_cellseg.learn.exchange import Details, Exported, export_model, import_model
from napari_cellseg.learn.model import load_model, save_model
from napari_cellseg.learn.nets import build
from napari_cellseg.progress import Note, Progress, follow

SMALL = NetConfig(encoder="tu-regnetx_002", decoder_channels=(16, 16))
WHO = Details(("Ada Example", "Bo / Other"), "CC-BY-4.0")
FRAME = np.random.default_rng(0).integers(0, 4000, (70, 100)).astype(np.uint16)
HAS_VALIDATOR = importlib.util.find_spec("bioimageio") is not None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    card = ModelCard(
        name="mine",
        title="Kerne (µ)",
        objects="nuclei",
        modality="phase contrast",
        created="2026-01-01T00:00:00+00:00",
        net=SMALL,
        low_percentile=1,
        high_percentile=99,
        object_diameter_px=14,
        pixel_size_um=0.5,
        scale=0.5,
        train={},
        data_fingerprint="",
        n_frames=3,
        groups=("pos1",),
        held_out=("pos2",),
        held_out_how="Kept aside: pos2.",
        scores={"iou": 0.5},
        group_scores={"pos2": {"iou": 0.25}},
        sources=(
            DataSource(name="Set", licence="CC0-1.0", citation="Doe 2024, doi:10.1234/abc.5", frames=2),
            DataSource(name="Site", licence="MIT", citation="Roe", url="https://nowhere.invalid/data"),
        ),
        limits=("Not for dense layers.",),
        epochs=1,
        seconds=1,
        device="",
        versions={},
    )
    made = tmp_path_factory.mktemp("models") / "mine"
    save_model(made, card, build(SMALL, seed=1).state_dict())
    return made


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Refuse all connections, and tell which were tried."""
    tried: list[object] = []

    def refuse(*args: object, **_: object) -> None:
        tried.append(args)
        raise OSError("no network in tests")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return tried


@pytest.fixture(scope="module")
def package(folder: Path) -> Path:
    path = folder.parents[1] / "mine.zip"
    return follow(export_model(folder, path, WHO, FRAME)).path


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(registry, "user_models_folder", lambda: tmp_path / "own")
    return tmp_path / "own"


def changed(package: Path, out: Path, **files: bytes | None) -> Path:
    """Copy a package with some of its files changed, added or left out."""
    names = {name.replace(".", "_").replace("-", "_"): name for name in zipfile.ZipFile(package).namelist()}
    new = {names.get(key, key): content for key, content in files.items()}
    with zipfile.ZipFile(package) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zip_:
        for name in {*old.namelist(), *new}:
            content = new.get(name, old.read(name) if name in old.namelist() else None)
            if content is not None:
                zip_.writestr(name, content)
    return out


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_model_that_was_exported_comes_back_as_it_was(package: Path, folder: Path, own: Path) -> None:
    told: list[Any] = []
    made = follow(import_model(package), told.append)
    assert made == own / "mine"
    assert read_card(made) == read_card(folder)
    assert sorted(path.name for path in made.iterdir()) == ["card.json", "cover.png", "weights.safetensors"]
    weights, expected = (load_model(path).network.state_dict() for path in (made, folder))
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert [(event.done, event.total) for event in told] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    with Image.open(made / "cover.png") as cover:
        assert cover.size == (256, 256)


def test_imported_model_can_get_another_name(package: Path, own: Path) -> None:
    assert read_card(follow(import_model(package, "theirs"))).name == "theirs"
    with pytest.raises(ModelError, match="called 'theirs' already"):
        follow(import_model(package, "theirs"))
    with pytest.raises(ModelError, match="cannot be called"):
        follow(import_model(package, "../theirs"))
    assert [path.name for path in own.iterdir()] == ["theirs"]


@pytest.mark.skipif(not HAS_VALIDATOR, reason="bioimageio.spec is not installed")
def test_validator_accepts_the_package_without_asking_the_network(
    folder: Path, tmp_path: Path, no_network: list[object]
) -> None:
    told: list[Any] = []
    made = follow(export_model(folder, tmp_path / "mine.zip", WHO, FRAME), told.append)
    assert made == Exported(tmp_path / "mine.zip", validated=True)
    assert all(isinstance(event, Progress) for event in told)
    assert no_network == []


@pytest.mark.skipif(not HAS_VALIDATOR, reason="bioimageio.spec is not installed")
def test_what_the_validator_refuses_is_not_written(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="license"):
        follow(export_model(folder, tmp_path / "mine.zip", Details(("A",), "no such licence"), FRAME))
    assert list(tmp_path.glob("*.zip")) == []


def test_without_the_validator_the_package_is_written_and_that_is_said(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    told: list[Any] = []
    made = follow(export_model(folder, tmp_path / "mine.zip", frame=FRAME), told.append)
    assert not made.validated
    assert any(isinstance(event, Note) and "not validated" in event.text for event in told)


def test_description_tells_what_others_need(package: Path) -> None:
    with zipfile.ZipFile(package) as files:
        told = json.loads(files.read("rdf.yaml"))
        readme = files.read("README.md").decode()
        given, drawn = (np.load(io.BytesIO(files.read(f"test_{name}.npy"))) for name in ("input", "output"))
    assert told["format_version"].startswith("0.5.")
    assert told["license"] == "CC-BY-4.0"
    assert [author["name"] for author in told["authors"]] == ["Ada Example", "Bo - Other"]
    assert [entry.get("doi", entry.get("url")) for entry in told["cite"][1:]] == [
        "10.1234/abc.5",
        "https://nowhere.invalid/data",
    ]
    assert {"nuclei", "transmission-light-microscopy"} <= set(told["tags"])
    assert told["inputs"][0]["axes"][2]["scale"] == 1.0  # µm, on the network's grid
    assert given.shape == (1, 1, 64, 96)
    assert drawn.shape[2:] == given.shape[2:]
    for text in ("# Kerne (µ)", "## Validation", "| pos2 | 0.250 |", "Not for dense layers.", "CC-BY-4.0"):
        assert text in readme


def test_torchscript_of_the_package_gives_its_test_output(package: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(package) as files:
        files.extract("weights-torchscript.pt", tmp_path)
        given, drawn = (np.load(io.BytesIO(files.read(f"test_{name}.npy"))) for name in ("input", "output"))
    low, high = np.percentile(given, (1, 99))
    frame = np.clip((given - low) / (high - low), -1, 3).astype(np.float32)
    network = read_torchscript(tmp_path / "weights-torchscript.pt")
    with torch.no_grad():
        np.testing.assert_allclose(network(torch.from_numpy(frame)), drawn, rtol=1e-3, atol=1e-3)


def read_torchscript(path: Path) -> Callable[..., torch.Tensor]:
    with pytest.warns(FutureWarning):
        return torch.jit.load(path)


def test_small_test_image_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="At least 64 px"):
        follow(export_model(folder, tmp_path / "mine.zip", frame=np.zeros((63, 200))))


def test_cover_of_a_model_goes_along(folder: Path, tmp_path: Path, own: Path) -> None:
    copy = tmp_path / "with cover"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    Image.new("RGB", (256, 256), (9, 8, 7)).save(copy / "cover.png")
    exported = follow(export_model(copy, tmp_path / "with.zip", frame=FRAME))
    with Image.open(follow(import_model(exported.path)) / "cover.png") as cover:
        assert cover.getpixel((0, 0)) == (9, 8, 7)


@pytest.mark.parametrize(
    "name", ["../card.json", "/etc/passwd", "sub/card.json", "C:\\x", "code.py", "weights.pkl", "sub/"]
)
def test_archive_with_other_files_is_refused(package: Path, tmp_path: Path, own: Path, name: str) -> None:
    with pytest.raises(ModelError, match="is none of its files"):
        follow(import_model(changed(package, tmp_path / "bad.zip", **{name: b"x"})))
    assert not own.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.zip"]


def test_link_in_an_archive_is_refused(package: Path, tmp_path: Path) -> None:
    bad = changed(package, tmp_path / "bad.zip", card_json=None)
    with zipfile.ZipFile(bad, "a") as files:
        link = zipfile.ZipInfo("card.json")
        link.external_attr = 0o120777 << 16
        files.writestr(link, "/etc/passwd")
    with pytest.raises(ModelError, match="is no plain file"):
        follow(import_model(bad))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_file_that_is_there_twice_is_refused(package: Path, tmp_path: Path) -> None:
    bad = changed(package, tmp_path / "bad.zip")
    with zipfile.ZipFile(bad, "a") as files:
        files.writestr("card.json", "{}")
    with pytest.raises(ModelError, match="is there twice"):
        follow(import_model(bad))


def test_archive_that_would_grow_without_bounds_is_refused(package: Path, tmp_path: Path) -> None:
    bad = changed(package, tmp_path / "bad.zip", weights_safetensors=bytes(30 * 2**20))
    with pytest.raises(ModelError, match=r"would grow \d+-fold"):
        follow(import_model(bad))
    bad = changed(package, tmp_path / "bad.zip", card_json=bytes(2**20 + 1))
    with pytest.raises(ModelError, match="at most 1 are expected"):
        follow(import_model(bad))


def test_declared_size_that_is_a_lie_unpacks_no_more(package: Path, tmp_path: Path) -> None:
    """The directory says 100 bytes; the packed stream holds 8 MB."""
    bad = changed(package, tmp_path / "bad.zip", README_md=bytes(8 * 2**20), card_json=bytes(8 * 2**20))
    content = bad.read_bytes().replace(struct.pack("<I", 8 * 2**20), struct.pack("<I", 100))
    bad.write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        follow(import_model(bad))


@pytest.mark.parametrize("missing", ["card_json", "weights_safetensors", "test_input_npy", "test_output_npy"])
def test_package_that_is_none_of_ours_is_refused(package: Path, tmp_path: Path, missing: str) -> None:
    bad = changed(package, tmp_path / "bad.zip", **{missing: None})
    with pytest.raises(ModelError, match=r"has no .*Only models that were trained by this program"):
        follow(import_model(bad))


def test_torchscript_is_not_needed_and_not_read(package: Path, tmp_path: Path, own: Path) -> None:
    other = changed(
        package, tmp_path / "other.zip", weights_torchscript_pt=b"not read", cover_png=b"no picture"
    )
    made = follow(import_model(other))
    assert sorted(path.name for path in made.iterdir()) == ["card.json", "weights.safetensors"]


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (b"", "cannot be read"),
        (npy(np.array([{"a": 1}], object)), "cannot be read"),
        (npy(np.zeros((3, 3), np.float32)), "not a frame"),
        (npy(np.zeros((1, 1, 64, 96), np.float64)), "not a frame"),
        (npy(np.zeros((1, 1, 65, 96), np.float32)), "own test image"),
        (npy(np.random.default_rng(1).random((1, 1, 64, 96), np.float32)), "another result"),
    ],
)
def test_model_that_does_not_give_its_test_output_is_refused(
    package: Path, tmp_path: Path, own: Path, array: bytes, told: str
) -> None:
    with pytest.raises(ModelError, match=told):
        follow(import_model(changed(package, tmp_path / "bad.zip", test_input_npy=array)))
    assert not own.exists()


def test_altered_weights_and_too_wide_networks_are_refused(package: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="altered"):
        follow(import_model(changed(package, tmp_path / "bad.zip", weights_safetensors=b"other")))
    with zipfile.ZipFile(package) as files:
        card = json.loads(files.read("card.json"))
    card["net"]["decoder_channels"] = [100_000, 100_000]
    with pytest.raises(ModelError, match="wider than any"):
        follow(import_model(changed(package, tmp_path / "bad.zip", card_json=json.dumps(card).encode())))


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all", None])
def test_what_is_no_package_is_said(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.zip"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match="cannot be opened as a package"):
        follow(import_model(path))


def test_cut_off_or_scrambled_packages_never_crash(package: Path, tmp_path: Path) -> None:
    content = package.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(25):
        broken = bytearray(content)
        for at in random.integers(0, len(broken), 40):
            broken[at] ^= 0xFF
        (tmp_path / "x.zip").write_bytes(broken[: random.integers(1, len(broken))] if _ % 2 else broken)
        with pytest.raises(CellSegError):
            follow(import_model(tmp_path / "x.zip", f"name {_}"))
