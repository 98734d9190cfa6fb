"""Plots as numbers: where lines, bars and words of an SVG stand. Templates draw them (templates/macros/charts.html)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor, log10

STEPS = (1, 2, 5, 10)
GRID_LINES = 5
LABEL_DISTANCE = 12.0  # of two words at the ends of lines
LABELS = 6  # below the axis
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """A line of values; None: nothing there. `label` stands at its end."""

    label: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """`path` and `area`: of SVG. `end`: height of the label."""

    label: str
    path: str
    area: str
    end: float


@dataclass(frozen=True, slots=True)
class Plot:
    """`left` to `right` and `bottom`: of the axis; `grid`: (height, words); `below`: (place, words) under the axis."""

    width: float
    height: float
    left: float
    right: float
    bottom: float
    lines: tuple[Line, ...]
    grid: tuple[tuple[float, str], ...]
    below: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """The room of a plot: margins for words at the left, at the right ends of lines and below."""

    width: float
    height: float
    left: float = 40
    right: float = 60
    top: float = 8
    below: float = 24


def plot(series: Sequence[Series], labels: Sequence[str], frame: Frame, *, words: Callable[[float], str] = str) -> Plot:
    """Lines over the same places; `words` writes a value of the grid. Without values an empty frame."""
    highest = max((value for line in series for value in line.values if value is not None), default=0)
    step, top = scale(highest)
    bottom, right = frame.height - frame.below, frame.width - frame.right

    def x(place: int) -> float:
        return frame.left + (right - frame.left) * (place / max(len(labels) - 1, 1))

    def y(value: float) -> float:
        return bottom - (bottom - frame.top) * value / top

    drawn = [line_of(each, x, y, bottom) for each in series if any(value is not None for value in each.values)]
    grid = [(round(y(number * step), 1), words(number * step)) for number in range(1, round(top / step) + 1)]
    every = max(-(-len(labels) // LABELS), 1)
    below = [(round(x(place), 1), labels[place]) for place in range(0, len(labels), every)]
    return Plot(frame.width, frame.height, frame.left, right, bottom, apart(drawn), tuple(grid), tuple(below))


def scale(highest: float) -> tuple[float, float]:
    """(distance of grid lines, value at the top): round numbers, at most GRID_LINES of them."""
    if highest <= GRID_LINES:
        return 1, max(highest if highest == int(highest) else int(highest) + 1, 1)
    rough = highest / GRID_LINES
    power = 10 ** floor(log10(rough))
    step = next(each * power for each in STEPS if each * power >= rough)
    return step, step * -(-highest // step)


def line_of(series: Series, x: Callable[[int], float], y: Callable[[float], float], bottom: float) -> Line:
    points = [(x(place), y(value)) for place, value in enumerate(series.values) if value is not None]
    path = "M" + " ".join(f"{across:.1f} {down:.1f}" for across, down in points)
    area = f"{path}L{points[-1][0]:.1f} {bottom:.1f} {points[0][0]:.1f} {bottom:.1f}z"
    return Line(series.label, path, area, points[-1][1])


def apart(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Words at the ends don't lie on each other: lower ones move down."""
    moved: dict[int, float] = {}
    last = float("-inf")
    for place in sorted(range(len(lines)), key=lambda place: lines[place].end):
        last = max(lines[place].end, last + LABEL_DISTANCE)
        moved[place] = last
    return tuple(Line(line.label, line.path, line.area, round(moved[place] + 4, 1)) for place, line in enumerate(lines))


def spark(values: Sequence[float], width: float = 88, height: float = 28) -> Line | None:
    """A small line without words; `end` is the height of its last point. None: less than two values."""
    if len(values) < 2:
        return None
    low, high = min(values), max(values)
    reach = (high - low) or 1

    def x(place: int) -> float:
        return 1 + (width - 2) * place / (len(values) - 1)

    def y(value: float) -> float:
        return height - 2 - (height - 4) * (value - low) / reach

    return line_of(Series("", values), x, y, height)


def bars(parts: Sequence[float], longest: float, width: float) -> list[Point]:
    """(beginning, length) of parts that lie one behind the other; `longest`: the sum that fills `width`."""
    found, at = [], 0.0
    for part in parts:
        length = width * part / (longest or 1)
        found.append((round(at, 1), round(length, 1)))
        at += length
    return found
