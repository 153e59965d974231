"""One model file finds the same, whatever the number format."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import torch
from skimage.io import imread
from torch import nn

from napari_cellseg.config import NetConfig, Precision, PredictConfig
from napari_cellseg.data.samples import Sample
from napari_cellseg.data.stack import Stack
from napari_cellseg.errors import SettingsError
from napari_cellseg.learn import artist as artist_module
from napari_cellseg.learn import runtime
from napari_cellseg.learn.events import FramePredicted
from napari_cellseg.learn.model import View, draw_maps, load_model
from napari_cellseg.learn.nets import build
from napari_cellseg.learn.predict import labels_of, predict
from napari_cellseg.learn.registry import find_model
from napari_cellseg.learn.targets import median_diameter_px
from napari_cellseg.progress import follow

FORMATS: tuple[Precision, ...] = ("float32", "bfloat16")
TOLERANCE = 0.002
MODEL = "nuclei-fluorescence"


def ap(pairs: Sequence[tuple[np.ndarray, np.ndarray]], iou: float) -> float:
    """Pooled AP; above an IoU of 0.5, an object overlaps with one other at most."""
    matched = objects = predicted = 0
    for truth, found in pairs:
        n, m = int(truth.max()), int(found.max())
        common = np.bincount((truth * (m + 1) + found).ravel(), minlength=(n + 1) * (m + 1))
        common = common.reshape(n + 1, m + 1)
        either = common.sum(1, keepdims=True) + common.sum(0, keepdims=True) - common
        matched += int((common[1:, 1:] > iou * either[1:, 1:]).sum())
        objects += len(np.unique(truth[truth > 0]))
        predicted += m
    return matched / (objects + predicted - matched)


def assert_same_ap(
    found: dict[Precision, list[tuple[np.ndarray, np.ndarray]]], tolerance: float = TOLERANCE
) -> None:
    for iou in (0.5, 0.75):
        exact, fast = (ap(found[precision], iou) for precision in FORMATS)
        assert exact > 0.2  # there is something to lose
        assert abs(exact - fast) < tolerance


def test_easy_scenes_are_found_alike_from_the_size_of_objects_on(scenes: Callable[..., list[Sample]]) -> None:
    samples = scenes(n=3, side=128, radius=9.0)
    frames = np.stack([sample.image for sample in samples])[:, None, None]
    stack = Stack(da.from_array(frames), ("Nuclei",), "movie")
    found: dict[Precision, list[tuple[np.ndarray, np.ndarray]]] = {}
    for precision in FORMATS:
        config = PredictConfig(device="cpu", precision=precision)
        events = list(predict(stack, 0, find_model(MODEL), config))
        labels = [event.labels for event in events if isinstance(event, FramePredicted)]
        found[precision] = [(one.labels, two) for one, two in zip(samples, labels, strict=True)]
    assert_same_ap(found, 2 / 36)  # of 36 objects, the number format decides on one or two


@pytest.mark.real
def test_real_nuclei_are_found_alike(real_data: Path) -> None:
    model = load_model(find_model(MODEL))
    files = sorted((real_data / "bbbc039" / "masks").iterdir())[3::13][:15]
    files += sorted((real_data / "dsb2018" / "masks").iterdir())[5::200]
    found: dict[Precision, list[tuple[np.ndarray, np.ndarray]]] = {precision: [] for precision in FORMATS}
    for file in files:
        (path,) = (file.parents[1] / "images").glob(f"{file.stem}.*")
        image, truth = np.asarray(imread(path)), np.asarray(imread(file)).astype(np.int32)
        image = image if image.ndim == 2 else image[..., :3].mean(-1)
        card, scale = model.card, model.card.object_px / (median_diameter_px(truth) or 20)
        view = View(scale, card.low_percentile, card.high_percentile, 512, 64, 1, "cpu", card.object_px)
        for precision in FORMATS:
            seen = replace(view, precision=precision)
            labels, _ = labels_of(draw_maps(model.network, image, seen), PredictConfig(), seen)
            found[precision].append((truth, labels))
    assert sum(len(np.unique(truth)) for truth, _ in found["float32"]) > 1000
    exact, fast = ([labels for _, labels in found[precision]] for precision in FORMATS)
    assert ap(list(zip(exact, fast, strict=True)), 0.5) > 0.995  # object by object, whatever the truth
    # Three objects of a thousand are 0.003 in AP, one way or the other, and a processor that has no bfloat16
    # of its own rounds more: the 0.002 are for many images, see `python -m benchmarks precision`.
    assert_same_ap(found, 3 * TOLERANCE)


NETS = [
    NetConfig(),
    NetConfig(encoder="efficientnet-b0", attention="gates"),
    NetConfig(architecture="unet++"),
    NetConfig(architecture="unet-2015", base_channels=4),
]


@pytest.mark.parametrize("net", NETS, ids=lambda net: f"{net.architecture} {net.encoder}")
def test_first_and_last_layer_stay_exact_where_others_are_fast(net: NetConfig) -> None:
    network, seen = build(net).eval(), []
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    for layer in layers:
        layer.register_forward_hook(lambda _, inputs, drawn: seen.append((inputs[0].dtype, drawn.dtype)))
    with torch.inference_mode(), runtime.autocast("cpu", "bfloat16"):
        assert network(torch.rand(1, 1, 64, 64)).dtype is torch.float32
    drawn = [dtype for _, dtype in seen]
    assert (drawn[0], drawn[-1]) == (torch.float32, torch.float32)
    assert set(drawn[1:-1]) == {torch.bfloat16}


def test_copies_are_exact_and_learning_is_fast() -> None:
    network = copy.deepcopy(build(NetConfig(encoder="tu-regnetx_002", decoder_channels=(16, 16))))
    image = torch.rand(2, 1, 64, 64)
    with torch.no_grad(), runtime.autocast("cpu", "bfloat16"):
        assert network.eval()(image).dtype is torch.float32
        assert network.train()(image).dtype is torch.bfloat16


def test_depthwise_convolutions_learn_in_float32_on_a_cpu_and_are_applied_in_bfloat16() -> None:
    network, seen = build(NetConfig(encoder="tu-efficientnet_lite0")), []
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.groups > 1]
    assert len(layers) > 10
    for layer in layers:
        layer.register_forward_hook(lambda _, _inputs, drawn: seen.append(drawn.dtype))
    image = torch.rand(2, 1, 64, 64)
    with runtime.autocast("cpu", "bfloat16"):
        network.train()(image)
        assert set(seen) == {torch.float32}
        seen.clear()
        with torch.no_grad():
            network.eval()(image)
    assert set(seen) == {torch.bfloat16}


def test_the_number_format_that_is_asked_for_is_used() -> None:
    convolution, image = nn.Conv2d(1, 1, 1), torch.zeros(1, 1, 2, 2)
    for precision, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        assert runtime.number_format("cpu", precision) is dtype
        with runtime.autocast("cpu", precision):
            assert convolution(image).dtype is dtype
    assert runtime.number_format("cpu") is runtime.fast_dtype("cpu")
    assert not torch.is_autocast_enabled("cpu")


def test_a_format_that_the_device_does_not_know_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    with pytest.raises(SettingsError, match=r"bfloat16 was asked for.*cuda.*Choose auto or float32"):
        runtime.number_format("cuda", "bfloat16")
    assert runtime.number_format("cuda", "auto") is torch.float32
    monkeypatch.setattr(torch.backends.mps, "is_macos_or_newer", lambda *_: False)
    with pytest.raises(SettingsError, match="mps"):
        runtime.number_format("mps", "bfloat16")


def test_the_reference_on_a_gpu_drops_no_bits() -> None:
    before = torch.backends.cudnn.allow_tf32
    with runtime.autocast("cuda", "float32"):
        assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.allow_tf32 is before


@pytest.mark.parametrize("precision", ["auto", "float32", "bfloat16"])
def test_the_setting_reaches_every_look_at_a_frame(
    precision: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw, seen = draw_maps, []

    def watched(network: nn.Module, image: np.ndarray, view: View) -> np.ndarray:
        seen.append(view.precision)
        return draw(network, image, view)

    monkeypatch.setattr(artist_module, "draw_maps", watched)
    monkeypatch.setattr("napari_cellseg.learn.size.draw_maps", watched)
    stack = Stack(da.zeros((1, 1, 1, 40, 40), dtype=np.uint8), ("Nuclei",), "movie")
    config = PredictConfig(device="cpu", precision=precision)
    follow(predict(stack, 0, find_model(MODEL), config))
    assert len(seen) > 1
    assert set(seen) == {precision}
