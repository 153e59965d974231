"""What the docs say is what the program does."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from napari_cellseg.ui.tool_registry import TOOLS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "docs" / "make_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_of_the_command_line_is_up_to_date(reference: ModuleType) -> None:
    written = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    assert written == reference.command_line(), "run: .venv/bin/python docs/make_reference.py"


def test_the_reference_of_the_tables_is_up_to_date(reference: ModuleType) -> None:
    written = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert written == reference.tables(), "run: .venv/bin/python docs/make_reference.py"


def test_the_reference_of_the_networks_is_up_to_date(reference: ModuleType) -> None:
    written = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8")
    assert written == reference.networks(), "run: .venv/bin/python docs/make_reference.py"


def test_the_page_of_keys_agrees_with_the_registry_of_tools(reference: ModuleType) -> None:
    written = (ROOT / "docs" / "keys.md").read_text(encoding="utf-8")
    assert written == reference.keys(), "run: .venv/bin/python docs/make_reference.py"
    for tool in TOOLS:
        keys = ", ".join(tool.keys or (tool.napari_key,))
        assert f"| {tool.text} | {keys} |" in written
        assert tool.tip in written


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_are_there(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    missing = [t for t in targets if not t.startswith("http") and not (page.parent / t).exists()]
    assert missing == []


def test_commands_in_the_readme_exist(reference: ModuleType) -> None:
    told = set(re.findall(r"^napari-cellseg +(\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.M))
    known = set(re.findall(r"^## (\w+)", reference.command_line(), re.M))
    assert told
    assert told <= known
