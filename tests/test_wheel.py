"""What an installed user gets: the wheel, in a clean virtual environment that borrows our libraries."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OFFLINE = ("name resolution", "could not find a version", "connection", "dns error", "failed to fetch")

pytestmark = pytest.mark.slow

LOOK = """
import json
import npe2
import napari_cellseg
from napari_cellseg.data.read import open_stack
from napari_cellseg.data.sample_study import sample_positions, sample_truth

manager = npe2.PluginManager.instance()
manager.discover()
manifest = manager.get_manifest("napari-cellseg")
broken = {}
for command in manifest.contributions.commands:
    try:
        manager.commands.get(command.id)
    except Exception as error:
        broken[command.id] = str(error)
print(json.dumps({
    "file": napari_cellseg.__file__,
    "version": [napari_cellseg.__version__, manifest.package_version],
    "commands": [command.id for command in manifest.contributions.commands],
    "broken": broken,
    "channels": [list(open_stack(path).channels) for path in sample_positions()],
    "truth": all(sample_truth(path).is_file() for path in sample_positions()),
}))
"""


def run(*command, **options):
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, timeout=240, **options
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout; its build tool is fetched over the network where it is not at hand."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)]
    if importlib.util.find_spec("hatchling"):
        command.append("--no-isolation")
    elif shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"):
        command += ["--installer", "uv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    said = f"{done.stdout}\n{done.stderr}"
    if done.returncode and "--no-isolation" not in command and any(word in said.lower() for word in OFFLINE):
        pytest.skip("hatchling is neither installed nor can it be fetched: no network")
    assert done.returncode == 0, said
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The Python of a clean environment with nothing but the wheel, and our libraries behind it."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--no-deps",
        "--no-index",
        "--quiet",
        wheel,
    )
    asked = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    site = Path(run(python, "-c", asked).strip())
    ours = {sysconfig.get_paths()[key] for key in ("purelib", "platlib")}
    # A path, not a site: the .pth file of an editable install in there is not followed.
    (site / "borrowed.pth").write_text("\n".join(sorted(ours)), encoding="utf-8")
    return python


def test_the_wheel_holds_what_must_not_be_forgotten(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    study = "napari_cellseg/sample_study"
    for name in ("pos01", "pos02", "pos03"):
        assert {f"{study}/{name}.tif", f"{study}/truth/{name}.tif"} <= names
    assert {f"{study}/README.md", f"{study}/truth/nuclei.csv"} <= names
    assert {"napari_cellseg/napari.yaml", "napari_cellseg/py.typed"} <= names
    (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
    (points,) = (name for name in names if name.endswith(".dist-info/entry_points.txt"))
    with zipfile.ZipFile(wheel) as file:
        assert "napari-cellseg = napari_cellseg:napari.yaml" in file.read(points).decode()
        assert "Classifier: Framework :: napari" in file.read(metadata).decode()
    assert all(name.startswith("napari_cellseg") for name in names), "tests and scripts stay at home"


def test_napari_finds_the_installed_plugin_and_all_it_offers(installed, tmp_path):
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    seen = json.loads(run(installed, "-I", "-c", LOOK, cwd=tmp_path, env=environment).splitlines()[-1])
    assert Path(seen["file"]).is_relative_to(installed.parents[1]), "our checkout was imported instead"
    assert seen["version"][0] == seen["version"][1]
    assert seen["broken"] == {}
    assert {"napari-cellseg.dock", "napari-cellseg.read", "napari-cellseg.write_labels"} <= set(
        seen["commands"]
    )
    assert seen["channels"] == [["Phase", "Nuclei"]] * 3
    assert seen["truth"]


def test_the_command_line_is_installed(installed, tmp_path):
    script = installed.with_name("napari-cellseg.exe" if os.name == "nt" else "napari-cellseg")
    assert "demo" in run(script, "--help", cwd=tmp_path)
