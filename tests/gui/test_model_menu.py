from pathlib import Path

import pytest
from PIL import Image
from qtpy.QtWidgets import QFileDialog, QInputDialog

from napari_cellseg.data.project import Study
from napari_cellseg.learn import registry
from napari_cellseg.learn.card import ModelCard, read_card, sha256_of
from napari_cellseg.progress import Note
from napari_cellseg.ui.count_step import CountStep
from napari_cellseg.ui.model_combo import ModelCombo
from napari_cellseg.ui.model_tips import tip

UNKNOWN = {
    "created": "2026-01-01T00:00:00+00:00",
    "net": {"encoder": "tu-regnetx_002", "decoder_channels": (16, 16)},
    "low_percentile": 1,
    "high_percentile": 99,
    "object_diameter_px": 14,
    "train": {},
    "data_fingerprint": "",
    "n_frames": 3,
    "groups": (),
    "held_out": (),
    "held_out_how": "",
    "scores": {"iou": 0.5, "count_error": 0.031},
    "epochs": 1,
    "seconds": 1,
    "device": "",
    "versions": {},
}


def put(folder: Path, **known: object) -> Path:
    """Write what looks like a model, without torch."""
    folder.mkdir(parents=True)
    weights = folder / "weights.safetensors"
    weights.write_bytes(b"weights")
    card = ModelCard(**{**UNKNOWN, "name": folder.name, "sha256": sha256_of(weights), **known})
    (folder / "card.json").write_text(card.model_dump_json())
    return folder


def trained(folder):
    """Write a real model; runs in the helper, so that the window never meets torch."""
    from napari_cellseg.learn.model import save_model  # noqa: PLC0415
    from napari_cellseg.learn.nets import build  # noqa: PLC0415

    yield Note("making a model")
    card = ModelCard(name=folder.name, **UNKNOWN)
    save_model(folder, card, build(card.net, seed=0).eval().state_dict())


@pytest.fixture
def count(session, viewer, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "bundled_models_folder", lambda: tmp_path / "bundled")
    session.study = Study.at(tmp_path / "study")
    step = CountStep(session)
    viewer.window.add_dock_widget(step, area="right")
    yield step
    step.shut_down()


@pytest.fixture
def say(monkeypatch):
    """Answer the questions of dialogs."""

    def say(text="", path="", item=""):
        monkeypatch.setattr(QInputDialog, "getText", lambda *_: (text, True))
        monkeypatch.setattr(QInputDialog, "getItem", lambda *args: (item or args[3][0], True))
        for name in ("getSaveFileName", "getOpenFileName"):
            monkeypatch.setattr(QFileDialog, name, lambda *_: (str(path), ""))

    return say


def show_models(count, until, n):
    count.opened()
    until(lambda: count.model.n_models == n)
    count.menu.look()


def test_tooltip_tells_and_takes_nothing_for_markup(tmp_path):
    folder = put(
        tmp_path / "it's <mine>",
        title="<img src='http://evil'>",
        objects="nuclei",
        modality="phase contrast",
        limits=("Not for dense layers.",),
        note="a & b",
    )
    told = tip(folder, read_card(folder))
    assert "<img" not in told
    for text in ("&lt;img", "nuclei of 14 px (phase contrast)", "IoU 0.50", "counting error 3%", "a &amp; b"):
        assert text in told
    assert "Limit: Not for dense layers." in told
    Image.new("RGB", (256, 256)).save(folder / "cover.png")
    assert f"<img src='{tmp_path.as_posix()}/it&#x27;s &lt;mine&gt;/cover.png'" in tip(
        folder, read_card(folder)
    )


def test_models_are_put_in_order(count, session, until, say):
    models = session.study.models
    put(models / "mine")
    show_models(count, until, 1)
    assert session.model == models / "mine"
    assert "IoU 0.50" in count.model.itemData(0, 3)
    say("good for clone 4")
    count.menu.note.trigger()
    until(lambda: count.model.card() is not None and count.model.card().note == "good for clone 4")
    say("clone 4")
    count.menu.rename.trigger()
    until(lambda: session.model == models / "clone 4" and count.model.model == models / "clone 4")
    assert "renamed to clone 4" in count.message.text
    say("a/b")
    count.menu.rename.trigger()
    until(lambda: "cannot be called" in count.message.text)
    count.menu.delete.trigger()
    until(lambda: count.model.n_models == 0)
    assert "in the bin" in count.message.text
    until(lambda: session.model is None)
    say()
    count.menu.restore.trigger()
    until(lambda: count.model.model == models / "clone 4")
    assert read_card(models / "clone 4").note == "good for clone 4"
    count.menu.restore.trigger()
    until(lambda: "bin is empty" in count.message.text)


def test_deleted_model_is_forgotten_by_other_lists_and_comes_back_by_a_click(count, session, until):
    models = session.study.models
    put(models / "mine")
    other = ModelCombo(session, "nothing", count)
    other.refresh(models / "mine")
    show_models(count, until, 1)
    until(lambda: other.model == models / "mine")
    count.menu.delete.trigger()
    until(lambda: count.model.n_models == 0)
    other.refresh()
    until(lambda: other.model is None)
    count.message.button.click()
    until(lambda: count.model.model == models / "mine")


def test_bundled_models_can_only_be_copied_and_exported(count, session, until, say, tmp_path):
    put(tmp_path / "bundled" / "standard")
    show_models(count, until, 1)
    assert count.model.model is None  # the person chooses among the program's
    count.model.setCurrentIndex(0)
    menu = count.menu
    menu.look()
    assert [a.isEnabled() for a in (menu.rename, menu.note, menu.delete)] == [False] * 3
    assert menu.copy.isEnabled()
    assert menu.export.isEnabled()
    say("my standard")
    menu.copy.trigger()
    until(lambda: count.model.currentText().startswith("my standard"))
    menu.look()
    assert menu.delete.isEnabled()


def test_a_model_is_given_and_taken(count, session, until, say, tmp_path, monkeypatch):
    folder = session.study.models / "mine"
    made = []
    session.run(trained, folder, on_done=lambda _nothing: made.append(folder), quick=True)
    until(lambda: made)
    show_models(count, until, 1)
    asked = (("Ada",), "CC-BY-4.0")
    monkeypatch.setattr("napari_cellseg.ui.model_menu.ask_details", lambda _parent: asked)
    say(path=tmp_path / "given")
    count.menu.export.trigger()
    until(lambda: "was written to" in count.message.text)
    say("taken", tmp_path / "given.zip")
    count.menu.take.trigger()
    until(lambda: count.model.currentText().startswith("taken"))
    assert read_card(count.model.model).sha256 == read_card(folder).sha256
    (tmp_path / "bad.zip").write_bytes(b"no package")
    say("bad", tmp_path / "bad.zip")
    count.menu.take.trigger()
    until(lambda: "cannot be opened as a package" in count.message.text)
