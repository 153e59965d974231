import multiprocessing
import os
import subprocess
import sys

import pytest
import torch

from napari_cellseg.errors import SettingsError
from napari_cellseg.learn import runtime
from napari_cellseg.learn.runtime import (
    DeviceChoice,
    Plan,
    choose_device,
    facts,
    fast_dtype,
    is_out_of_memory,
)


@pytest.fixture
def cpu_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


def test_auto_takes_the_fastest_there_is(cpu_only: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_device("auto").name == "cpu"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto").name == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Test 9000")
    assert choose_device("auto") == DeviceChoice("cuda", "GPU Test 9000")
    assert choose_device("cpu").name == "cpu"


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_absent_device_is_an_error(cpu_only: None, device: runtime.Device) -> None:
    with pytest.raises(SettingsError, match=rf"{device} was asked for.*cpu.*Choose auto"):
        choose_device(device)


def test_facts_are_words() -> None:
    found = facts()
    assert {"torch", "cuda", "mps", "threads", "numbers"} <= set(found)
    assert torch.__version__ in found["torch"]
    assert all(isinstance(value, str) and value for value in found.values())


def test_number_format_is_measured_once() -> None:
    assert fast_dtype("cpu") in (torch.float32, torch.bfloat16)
    assert fast_dtype("cpu") is fast_dtype("cpu")
    assert fast_dtype("mps") is torch.float32


def test_less_memory_step_by_step(cpu_only: None) -> None:
    plan, seen = Plan(4, 256, DeviceChoice("cuda", "GPU")), []
    while (smaller := plan.smaller()) is not None:
        plan, text = smaller
        seen.append((plan.batch, plan.side_px, plan.device.name))
        assert text
    assert seen == [(2, 256, "cuda"), (1, 256, "cuda"), (1, 128, "cuda"), (1, 64, "cuda"), (1, 64, "cpu")]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (MemoryError(), True),
        (RuntimeError("shape mismatch"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_out_of_memory_is_recognised(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


def test_seeded_numbers_repeat() -> None:
    assert torch.equal(torch.rand(3, generator=runtime.seeded(3)), torch.rand(3, generator=runtime.seeded(3)))


def _threads_and_priority(_: int) -> tuple[int, int]:
    runtime.give_way()
    runtime.give_way()  # twice is as good as once
    return torch.get_num_threads(), os.nice(0)


@pytest.mark.skipif(not hasattr(os, "nice"), reason="this system has no priorities of this kind")
def test_a_helper_process_gives_way_and_the_main_process_does_not() -> None:
    before = torch.get_num_threads(), os.nice(0)
    assert _threads_and_priority(0) == before
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        threads, priority = pool.map(_threads_and_priority, [0])[0]
    assert threads == max(1, (os.cpu_count() or 2) - 1)
    assert priority >= 10


LEAVING = """
from pathlib import Path
import numpy as np
from napari_cellseg.learn import runtime
def used_mb():
    return next(int(l.split()[1]) // 1024 for l in Path('/proc/self/status').open() if l.startswith('VmRSS'))
runtime.give_back_large_arrays()
np.ones(30 * 2**20, np.uint8)  # after this one glibc would keep all that are smaller
before = used_mb()
large, small = [], []
for _ in range(40):
    large.append(np.ones(6 * 2**20, np.uint8))
    small.append(np.ones(2**10, np.uint8))
del large
print(used_mb() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the memory of a process in /proc")
def test_memory_of_large_arrays_goes_back_though_small_ones_stay() -> None:
    done = subprocess.run([sys.executable, "-c", LEAVING], check=True, capture_output=True, text=True)

    assert int(done.stdout) < 30  # MB, of 240 that were used
