"""What the tests of every room share."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real microscopy images with ground truth, beside the project; absent from a plain clone."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real microscopy images (../shared/data) are not beside this clone")
    return folder
