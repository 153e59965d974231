"""Corrections that are killed while they are written, on one study, again and again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the kills need a system that forks")
def test_labels_are_those_of_the_journal_after_every_kill(tmp_path):
    """In a process of its own: one that forks must not have the threads of others."""
    code = "import sys, pathlib as p, benchmarks.kills as k; print(k.rounds(12, p.Path(sys.argv[1])))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("12 kills")
