"""What is fast and good at once: the Pareto front of networks, as a table and as a plot."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import LogLocator, NullFormatter
from matplotlib.transforms import Bbox

_SIZE_IN = (8.0, 5.0)
_DOT = 24.0
"""Area of a dot in square points per million parameters."""
_GAP = 3.0
"""Points between a dot and its name."""
_COLOURS = {"front": "#0b6e99", "behind": "#a0a7ad", "default": "#d1495b", "ink": "#24292f"}


@dataclass(frozen=True)
class Point:
    """What was measured of a network.

    Attributes
    ----------
    name : str
        Its name.
    told : str
        Its architecture in a few words.
    ms, ms_float32 : float
        Milliseconds per frame of 512 x 512 px: in the fastest number format, and in float32.
    ap50, ap75, ap90 : float
        Pooled AP at three IoU thresholds, mean over the seeds.
    spread : float
        Standard deviation of `ap50` over the seeds.
    seeds : int
        Number of trainings.
    parameters : int
        Weights that are trained.
    megabytes : float
        Size of the file with 16 bits a number.
    """

    name: str
    told: str
    ms: float
    ms_float32: float
    ap50: float
    ap75: float
    ap90: float
    spread: float
    seeds: int
    parameters: int
    megabytes: float


def pareto_front(points: Sequence[Point]) -> list[Point]:
    """Choose the points that no other beats: none is at least as fast and as good, and better in one.

    Parameters
    ----------
    points : sequence of Point
        All networks.

    Returns
    -------
    list of Point
        From the fastest to the best.
    """

    def beats(one: Point, other: Point) -> bool:
        return one.ms <= other.ms and one.ap50 >= other.ap50 and (one.ms, one.ap50) != (other.ms, other.ap50)

    front = [point for point in points if not any(beats(one, point) for one in points)]
    return sorted(front, key=lambda point: (point.ms, point.ap50))


def verdict(points: Sequence[Point], default: str) -> str:
    """Say whether the default is on the front, and if not, what is faster and better.

    Parameters
    ----------
    points : sequence of Point
        All networks.
    default : str
        Name of the default.

    Returns
    -------
    str
        A sentence.
    """
    chosen = next((point for point in points if point.name == default), None)
    if chosen is None:
        return f"The default, {default}, was not measured."
    if chosen in pareto_front(points):
        return f"The default, {default}, is on the Pareto front: none is both faster and better."
    better = [p.name for p in pareto_front(points) if p.ms <= chosen.ms and p.ap50 >= chosen.ap50]
    return f"The default, {default}, is not on the Pareto front: faster and better is {', '.join(better)}."


def table(points: Sequence[Point], default: str) -> str:
    """Write the table.

    Parameters
    ----------
    points : sequence of Point
        All networks.
    default : str
        Name of the default, which is set in bold.

    Returns
    -------
    str
        Markdown, from the fastest to the slowest.
    """
    front = pareto_front(points)
    lines = [
        "| network | weights | file | ms | ms, float32 | AP50 | AP75 | AP90 | on the front |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for p in sorted(points, key=lambda point: point.ms):
        name = f"**{p.told}** (default)" if p.name == default else p.told
        spread = f" ± {p.spread:.3f}" if p.seeds > 1 else ""
        lines.append(
            f"| {name} | {p.parameters / 1e6:.2f} M | {p.megabytes:.1f} MB | {p.ms:.0f} | {p.ms_float32:.0f} "
            f"| {p.ap50:.3f}{spread} | {p.ap75:.3f} | {p.ap90:.3f} | {'yes' if p in front else ''} |"
        )
    return "\n".join(lines)


def put_between(page: str, text: str, name: str = "measured") -> str:
    """Renew a part of a page that is measured.

    Parameters
    ----------
    page : str
        Markdown with two markers, such as ``<!-- measured: start -->`` and ``<!-- measured: end -->``, each
        on a line of its own.
    text : str
        What is to stand between them.
    name : str
        Of the part.

    Returns
    -------
    str
        The page.

    Raises
    ------
    ValueError
        The page has no such markers.
    """
    first, last = f"<!-- {name}: start -->", f"<!-- {name}: end -->"
    before, start, rest = page.partition(first)
    _, end, after = rest.partition(last)
    if not start or not end:
        raise ValueError(f"the page needs the lines {first} and {last}")
    return f"{before}{first}\n\n{text}\n\n{last}{after}"


def draw(points: Sequence[Point], default: str, foot: str) -> str:
    """Draw AP at IoU 0.5 against the time for a frame.

    Parameters
    ----------
    points : sequence of Point
        All networks; the area of a dot tells the number of parameters.
    default : str
        Name of the default, which is marked.
    foot : str
        On what was measured; stands below.

    Returns
    -------
    str
        SVG on a white ground, the same for the same points.
    """
    front = pareto_front(points)
    look = {"svg.hashsalt": "nets", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10}
    with style.context(["default", look]):
        figure = Figure(figsize=_SIZE_IN, layout="constrained")
        axes = figure.subplots()
        axes.plot([p.ms for p in front], [p.ap50 for p in front], color=_COLOURS["front"], lw=1.5, zorder=1)
        names = [
            _dot(axes, p, "default" if p.name == default else "front" if p in front else "behind")
            for p in points
        ]
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(0.2, 0.16)
        axes.set_xlabel(f"ms for a frame of 512 × 512 px, the network alone\n{foot}")
        axes.set_ylabel("AP at IoU 0.5 on groups kept aside")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3, lw=0.6)
        axes.set_axisbelow(True)
        _keep_apart(FigureCanvasAgg(figure), names)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    drawn = file.getvalue()
    return re.sub(r"<metadata>.*?</metadata>\s*", "", drawn[drawn.index("<svg") :], flags=re.DOTALL)


def _keep_apart(canvas: FigureCanvasAgg, names: Sequence[Annotation]) -> None:
    """Put each name beside its dot where it covers no other name or dot, above or below, right or left."""
    canvas.draw()
    taken = [_box_of(name) for name in names]
    for name in names:
        right, up = name.get_position()
        places = [(side * right, up + step) for step in (0, -14, 14, -28, 28) for side in (1, -1)]
        for place in places:
            name.set_position(place)
            name.set_horizontalalignment("left" if place[0] > 0 else "right")
            canvas.draw()
            box = name.get_window_extent()
            if not any(box.overlaps(other) for other in taken):
                break
        taken.append(box)


def _box_of(name: Annotation) -> Bbox:
    """Find where the dot of a name is on the canvas; the name begins `_GAP` points beside it."""
    assert name.axes is not None  # noqa: S101 - it is in a plot
    x, y = name.axes.transData.transform(name.xy)
    radius = (name.get_position()[0] - _GAP) * name.get_figure(root=True).dpi / 72
    return Bbox([[x - radius, y - radius], [x + radius, y + radius]])


def _dot(axes: Axes, p: Point, role: str) -> Annotation:
    size = _DOT * (0.5 + p.parameters / 1e6)
    axes.scatter(p.ms, p.ap50, s=size, color=_COLOURS[role], alpha=0.75, lw=0, zorder=2)
    if p.seeds > 1:
        axes.errorbar(p.ms, p.ap50, p.spread, color=_COLOURS[role], capsize=2, lw=1, zorder=2)
    return axes.annotate(
        f"{p.name} (default)" if role == "default" else p.name,
        (p.ms, p.ap50),
        xytext=(_GAP + size**0.5 / 2, 3),
        textcoords="offset points",
        ha="left",
        color=_COLOURS["default" if role == "default" else "ink"],
        fontsize=9,
        zorder=3,
    )
