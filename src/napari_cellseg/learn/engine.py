"""What computes a network that is only applied: OpenVINO on a CPU where it is installed, else torch.

OpenVINO is Intel's compiler for networks (Apache 2.0, ``pip install "napari-cellseg[fast]"``), for any
x86 or ARM processor. ``python -m benchmarks precision`` compares what both find, and how fast.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import warnings
from typing import Any

import torch
from torch import Tensor, nn

from napari_cellseg.config import Engine
from napari_cellseg.errors import ModelError, SettingsError
from napari_cellseg.learn.nets import STRIDE_PX
from napari_cellseg.learn.nets.folding import fold_batch_norms

_PACKAGE = "openvino"
_MEND = 'Install it, with "pip install napari-cellseg[fast]", or choose auto or torch'


def choose_engine(engine: Engine = "auto", device: str = "cpu") -> Engine:
    """Choose what computes.

    Parameters
    ----------
    engine : {"auto", "openvino", "torch"}
        What is asked for; auto takes OpenVINO on a CPU where it is installed.
    device : str
        Where, as `runtime.DeviceChoice.name`.

    Returns
    -------
    {"openvino", "torch"}
        What it will be.

    Raises
    ------
    SettingsError
        OpenVINO was asked for, and is not installed, or the device is no CPU.
    """
    there = importlib.util.find_spec(_PACKAGE) is not None
    if engine == "auto":
        return "openvino" if there and device == "cpu" else "torch"
    if engine == "openvino" and not there:
        raise SettingsError("OpenVINO was asked for, and it is not installed", "", _MEND)
    if engine == "openvino" and device != "cpu":
        raise SettingsError(
            f"OpenVINO was asked for on the device {device}",
            "Here it computes on the CPU",
            "Choose auto or torch",
        )
    return engine


def engine_in_words() -> str:
    """Tell what computes networks on a CPU.

    Returns
    -------
    str
        Name and version; how to be faster, where that is possible.
    """
    if choose_engine() == "openvino":
        return f"OpenVINO {importlib.metadata.version(_PACKAGE)}"
    return 'torch; OpenVINO is faster on a CPU: pip install "napari-cellseg[fast]"'


def quickened(network: nn.Module, engine: Engine = "auto", device: str = "cpu") -> nn.Module:
    """Make a network as quick as it gets, to be applied and no longer trained.

    Parameters
    ----------
    network : torch.nn.Module
        In evaluation mode, on the device; it is used up.
    engine : {"auto", "openvino", "torch"}
        See `choose_engine`.
    device : str
        Where it is, as `runtime.DeviceChoice.name`.

    Returns
    -------
    torch.nn.Module
        Takes and gives what the network does, in the number format of `runtime.autocast`.

    Raises
    ------
    ModelError
        OpenVINO cannot take this network.
    SettingsError
        As `choose_engine`.
    """
    chosen = choose_engine(engine, device)
    fold_batch_norms(network)
    return _Compiled(network) if chosen == "openvino" else network


class _Compiled(nn.Module):
    """A network that OpenVINO computes, for pictures of any size."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        import openvino  # noqa: PLC0415 - only where it is installed
        from openvino import frontend  # noqa: PLC0415

        try:
            self._model = _converted(network)
        except (RuntimeError, frontend.GeneralFailure, frontend.OpConversionFailure) as error:
            raise ModelError(
                f"OpenVINO {openvino.__version__} cannot take this network ({str(error).splitlines()[0]})",
                "",
                "Choose torch as engine",
            ) from error
        self._core = openvino.Core()
        self._requests: dict[tuple[bool, int], Any] = {}

    def forward(self, tiles: Tensor) -> Tensor:
        """Draw the maps.

        Parameters
        ----------
        tiles : Tensor
            Axes NCYX, float32, on the CPU.

        Returns
        -------
        Tensor
            Axes NMYX, float32.
        """
        request = self._request(torch.is_autocast_enabled("cpu"), torch.get_num_threads())
        drawn = request.infer([tiles.contiguous().numpy()], share_inputs=True)
        return torch.from_numpy(drawn[0])

    def _request(self, half: bool, threads: int) -> Any:
        if (half, threads) not in self._requests:
            settings = {
                "INFERENCE_PRECISION_HINT": "bf16" if half else "f32",
                "INFERENCE_NUM_THREADS": threads,
                "PERFORMANCE_HINT": "LATENCY",
            }
            compiled = self._core.compile_model(self._model, "CPU", settings)
            self._requests[half, threads] = compiled.create_infer_request()
        return self._requests[half, threads]


def _converted(network: nn.Module) -> Any:
    """Translate a network for OpenVINO, for any number and size of pictures.

    What `openvino.convert_model` does beyond this takes a second, and may tell its makers about it.
    """
    from openvino import PartialShape, Type  # noqa: PLC0415
    from openvino.frontend import FrontEndManager  # noqa: PLC0415
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder  # noqa: PLC0415

    picture = torch.zeros(1, 1, 2 * STRIDE_PX, 2 * STRIDE_PX)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # torch calls tracing old; OpenVINO takes nothing newer as quickly
        trace: Any = torch.jit.trace  # has no types
        traced = torch.jit.freeze(trace(network, picture, check_trace=False))
        decoder = TorchScriptPythonDecoder(traced)
    frontend = FrontEndManager().load_by_framework("pytorch")
    loaded = frontend.load(decoder)
    model = frontend.convert(loaded)
    given = model.inputs[0].get_node()
    given.set_element_type(Type.f32)
    given.set_partial_shape(PartialShape([-1, 1, -1, -1]))
    model.validate_nodes_and_infer_types()
    return model
