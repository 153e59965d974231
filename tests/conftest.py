"""What the tests of every room share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from napari_cellseg.learn.card import ModelCard, sha256_of

ROOT = Path(__file__).parents[1]

settings.register_profile("busy machine", deadline=None)  # what runs first imports a lot
settings.load_profile("busy machine")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real microscopy images with ground truth, beside the project; absent from a plain clone."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real microscopy images (../shared/data) are not beside this clone")
    return folder


@pytest.fixture
def nuclei() -> Callable[[int, int], np.ndarray]:
    """Draw ``nuclei(seed, n)``: bright and round, of 20 px, on a dark, noisy ground of 128 x 128 px."""

    def draw(seed: int, n: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        rows, columns = np.indices((128, 128))
        image = rng.normal(300, 20, rows.shape)
        for place in rng.permutation(16)[:n]:
            y, x = 16 + 32 * (place // 4), 16 + 32 * (place % 4)
            image += 2000 * (np.hypot(rows - y, columns - x) < 10)
        return np.clip(image, 0, 65535).astype(np.uint16)

    return draw


@pytest.fixture
def fake_model() -> Callable[..., Path]:
    """Write what looks like a model, without torch: ``fake_model(folder, **what its card says)``."""
    silent: dict[str, Any] = {
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
        "scores": {},
        "epochs": 1,
        "seconds": 1,
        "device": "",
        "versions": {},
    }

    def write(folder: Path, **told: object) -> Path:
        folder.mkdir(parents=True)
        weights = folder / "weights.safetensors"
        weights.write_bytes(b"weights")
        card = ModelCard(**{**silent, "name": folder.name, "sha256": sha256_of(weights), **told})
        (folder / "card.json").write_text(card.model_dump_json())
        return folder

    return write
