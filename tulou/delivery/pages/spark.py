"""Draw numbers over time as a small picture that also says what it shows."""

from __future__ import annotations

from dataclasses import dataclass

WIDTH = 180
HEIGHT = 40


@dataclass(frozen=True, slots=True)
class Spark:
    """A line in a box of `WIDTH` by `HEIGHT`, and the area below it, as SVG paths."""

    line: str
    area: str
    total: int
    most: int


def draw(values: list[int]) -> Spark:
    """Return the picture of some counts, oldest first; each point is the mean of its week, which hides the weekends."""
    smooth = [sum(values[max(0, at - 6) : at + 1]) / min(7, at + 1) for at in range(len(values))]
    top = max([*smooth, 1.0])
    step = WIDTH / max(1, len(values) - 1)
    points = [f"{at * step:.1f} {HEIGHT - 2 - value / top * (HEIGHT - 4):.1f}" for at, value in enumerate(smooth)]
    line = "M" + "L".join(points)
    return Spark(line, f"{line}L{WIDTH} {HEIGHT}L0 {HEIGHT}Z", sum(values), max(values, default=0))
