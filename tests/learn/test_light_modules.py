import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "events",
        "card",
        "registry",
        "shelf",
        "normalise",
        "movies",
        "view",
        "targets",
        "tiles",
        "split",
        "scores",
    ],
)
def test_module_does_not_import_torch(module: str) -> None:
    code = f"import sys, napari_cellseg.learn.{module}; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
