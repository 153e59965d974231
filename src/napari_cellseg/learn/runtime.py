"""The only place that knows about devices, number formats, threads and random seeds."""

from __future__ import annotations

import ctypes
import functools
import importlib.metadata
import math
import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TypeVar

import torch

from napari_cellseg.config import Device, Precision
from napari_cellseg.errors import SettingsError

T = TypeVar("T", torch.nn.Module, torch.Tensor)

_NETWORKS = "segmentation-models-pytorch"
_POLITE = 10
_SMALLEST_SIDE_PX = 64
_MALLOPT_MMAP_THRESHOLD = -3  # its number in malloc.h of glibc
_LARGE_ARRAY = 4 * 2**20
_ROUNDS = 8
_MUST_PAY = {torch.bfloat16: 1.15}
"""Fewer digits are taken only where float32 takes at least this much longer."""


@dataclass(frozen=True)
class DeviceChoice:
    """Where to compute.

    Attributes
    ----------
    name : str
        As torch calls it: ``cuda``, ``mps`` or ``cpu``.
    label : str
        In words, for the person.
    """

    name: str
    label: str


def choose_device(device: Device = "auto") -> DeviceChoice:
    """Choose where to compute.

    Parameters
    ----------
    device : {"auto", "cuda", "mps", "cpu"}
        What is asked for; auto takes the fastest that is there.

    Returns
    -------
    DeviceChoice
        The device.

    Raises
    ------
    SettingsError
        A device was asked for by name and is not there.
    """
    present = _devices()
    if device == "auto":
        return next(iter(present.values()))
    if device in present:
        return present[device]
    names = ", ".join(f"{choice.name} ({choice.label})" for choice in present.values())
    raise SettingsError(
        f"The device {device} was asked for, and torch cannot use one here",
        f"This computer has: {names}",
        "Choose auto or one of these; 'napari-cellseg doctor' says what is missing",
    )


def _devices() -> dict[str, DeviceChoice]:
    """List the devices of this computer, fastest first."""
    present = {}
    if torch.cuda.is_available():
        present["cuda"] = DeviceChoice("cuda", f"GPU {torch.cuda.get_device_name()}")
    if torch.backends.mps.is_available():
        present["mps"] = DeviceChoice("mps", "Apple GPU")
    cores = torch.get_num_threads()
    present["cpu"] = DeviceChoice("cpu", f"CPU, {cores} {'thread' if cores == 1 else 'threads'}")
    return present


def facts() -> dict[str, str]:
    """Tell what matters about torch on this computer.

    Returns
    -------
    dict of str to str
        Name of the fact to what was found, in words.
    """
    cuda = "not available"
    if torch.cuda.is_available():
        names = (torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count()))
        cuda = ", ".join(f"{gpu.name} ({gpu.total_memory / 2**30:.0f} GiB)" for gpu in names)
    elif torch.version.cuda is None:
        cuda = "not available: this torch was built without CUDA"
    return {
        "torch": f"{torch.__version__}, CUDA build {torch.version.cuda or 'none'}",
        "networks": f"{_NETWORKS} {importlib.metadata.version(_NETWORKS)}",
        "cuda": cuda,
        "mps": "available" if torch.backends.mps.is_available() else "not available",
        "threads": f"{torch.get_num_threads()} of {os.cpu_count()} processors",
        "auto device": choose_device().label,
        "numbers": str(fast_dtype(choose_device().name)).removeprefix("torch."),
    }


def give_way() -> None:
    """Let the window go first where this process is its helper: one processor less, and a low priority.

    On two processors this costs little: the steps of a small network are as fast on one. Where
    ``OMP_NUM_THREADS`` is set, as in the workers of a cluster, so many threads are used.
    """
    if multiprocessing.parent_process() is None:
        return
    told = os.environ.get("OMP_NUM_THREADS", "")
    torch.set_num_threads(int(told) if told.isdigit() and int(told) else max(1, (os.cpu_count() or 2) - 1))
    missing = _POLITE - os.nice(0) if hasattr(os, "nice") else 0
    if missing > 0:
        os.nice(missing)


@functools.cache
def fast_dtype(device: str) -> torch.dtype:
    """Find the number format in which a device computes fastest.

    Parameters
    ----------
    device : str
        As `DeviceChoice.name`.

    Returns
    -------
    torch.dtype
        bfloat16 or float32. On a CPU it is measured, once per process: some are faster, most are slower in
        bfloat16.
    """
    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if device == "mps":
        return torch.float32
    seconds = {dtype: [math.inf] for dtype in (torch.float32, torch.bfloat16)}
    for _ in range(_ROUNDS):  # in turns, so that other work on the machine slows both
        for dtype, taken in seconds.items():
            taken.append(_convolution_seconds(dtype))
    return min(seconds, key=lambda dtype: min(seconds[dtype]) * _MUST_PAY.get(dtype, 1.0))


@torch.inference_mode(False)
def _convolution_seconds(dtype: torch.dtype) -> float:
    convolution = torch.nn.Conv2d(32, 32, 3, padding=1).to(memory_format=torch.channels_last)
    image = torch.zeros(4, 32, 64, 64).to(memory_format=torch.channels_last)
    start = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype is torch.bfloat16):
        drawn = convolution(image)
    drawn.float().sum().backward()
    return time.perf_counter() - start


def laid_out(thing: T, device: str) -> T:
    """Bring a network or a batch to a device, in the order of axes in which it computes fastest.

    Parameters
    ----------
    thing : torch.nn.Module or Tensor
        A network, or a batch with the axes NCYX.
    device : str
        As `DeviceChoice.name`.

    Returns
    -------
    torch.nn.Module or Tensor
        On the device; channels last, except on Apple's GPU, which is not faster for it.
    """
    layout = torch.contiguous_format if device == "mps" else torch.channels_last
    return thing.to(device, memory_format=layout)  # type: ignore[call-overload, no-any-return]


def number_format(device: str, precision: Precision = "auto") -> torch.dtype:
    """Choose the number format of a network on a device.

    Parameters
    ----------
    device : str
        As `DeviceChoice.name`.
    precision : {"auto", "float32", "bfloat16"}
        What is asked for; auto takes the fastest, see `fast_dtype`.

    Returns
    -------
    torch.dtype
        bfloat16 or float32.

    Raises
    ------
    SettingsError
        bfloat16 was asked for, and the device does not know it.
    """
    if precision == "auto":
        return fast_dtype(device)
    if precision == "float32":
        return torch.float32
    if not _knows_bfloat16(device):
        raise SettingsError(
            f"The number format bfloat16 was asked for, and the device {device} does not know it",
            "",
            "Choose auto or float32 as number format",
        )
    return torch.bfloat16


def _knows_bfloat16(device: str) -> bool:
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return device != "mps" or bool(torch.backends.mps.is_macos_or_newer(14, 0))


@contextmanager
def autocast(device: str, precision: Precision = "auto") -> Iterator[None]:
    """Compute in a number format within a ``with`` block.

    Parameters
    ----------
    device : str
        As `DeviceChoice.name`.
    precision : {"auto", "float32", "bfloat16"}
        See `number_format`. float32 that is asked for by name is a reference: on NVIDIA's GPUs its
        convolutions then keep all 24 bits, of which they otherwise drop 13 (TF32).

    Yields
    ------
    None
        Weights stay float32; each operation takes the format that it can bear.

    Raises
    ------
    SettingsError
        As `number_format`.
    """
    exact = device == "cuda" and precision == "float32"
    reference = torch.backends.cudnn.flags(enabled=True, allow_tf32=False) if exact else nullcontext()
    half = number_format(device, precision) is torch.bfloat16
    with reference, torch.autocast(device, torch.bfloat16, enabled=half):
        yield


def seeded(seed: int) -> torch.Generator:
    """Make the source of randomness that is handed to everything random.

    Parameters
    ----------
    seed : int
        The same seed gives the same numbers.

    Returns
    -------
    torch.Generator
        On the CPU, so that it gives the same numbers whatever the device.
    """
    return torch.Generator().manual_seed(seed)


@dataclass(frozen=True)
class Plan:
    """How much is computed at once, and where.

    Attributes
    ----------
    batch : int
        Patches or tiles at once.
    side_px : int
        Side of a patch or tile.
    device : DeviceChoice
        Where.
    """

    batch: int
    side_px: int
    device: DeviceChoice

    def smaller(self) -> tuple[Plan, str] | None:
        """Find a plan that needs less memory: half the batch, then half the side, then the CPU.

        Returns
        -------
        tuple of Plan and str, or None
            The plan and what changed, in words; None when nothing is left to try.
        """
        if self.batch > 1:
            half = self.batch // 2
            return replace(self, batch=half), f"going on with {half} at a time"
        if self.side_px >= 2 * _SMALLEST_SIDE_PX:
            side = self.side_px // 64 * 32  # stays a multiple of 32
            return replace(self, side_px=side), f"going on with pieces of {side} px"
        if self.device.name != "cpu":
            return replace(self, device=choose_device("cpu")), "going on on the CPU, which is slower"
        return None


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that memory ran out, on any device.

    Parameters
    ----------
    error : BaseException
        What was raised.

    Returns
    -------
    bool
        True for torch's own class, for Python's, and for the texts of the CPU's and Apple's allocators.
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def free_memory() -> None:
    """Give memory that is no longer used back to the device."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def give_back_large_arrays() -> None:
    """Have memory of arrays above 4 MB go back to the system as soon as they are let go.

    By itself glibc keeps what it once gave out, up to 32 MB at a time and apart for each thread, in case it
    is needed again; between arrays that differ in size it finds no use for it, and memory grows block after
    block. It holds for the whole process from here on. Other systems give such memory back by themselves.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if set_option is not None:
        set_option(_MALLOPT_MMAP_THRESHOLD, _LARGE_ARRAY)
