"""Diagrams of the pages: each function of a page's module draws one and returns its SVG, as a text that is the same every time.

A drawing stands on a ground of its own, so that it reads in a light and in a dark window, and its smallest letters are 18 units
of a width of 1,280: a slide of it can be read from the last row. Query, key and value have the colours of `style`. This module
is what drawings are made of. tools/figures.py makes the files under notebooks/figures: from DRAWINGS of each module, the name
of a file and the function that draws it, and from ANIMATIONS, the name and two functions: moments, and what draws one.
"""

import re
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from math import atan2, cos, sin

from bertnotes.pictures.style import GRID, INK, KEY, LIGHT, QUERY, VALUE, png_of

FONT = 'system-ui, "Segoe UI", Roboto, Helvetica, Arial, "DejaVu Sans", sans-serif'
QUIET, PALE = "#57606a", "#b6bec8"  # for what only explains; for the larger, duller part
TINTS = {QUERY: "#e3eef8", KEY: "#fbeadf", VALUE: "#dff2ec", INK: "#f3f4f6"}  # grounds of boxes
WIDE, SMALL, NORMAL, LARGE = 1280, 18, 22, 28


def number(value, digits: int = 0) -> str:
    """A number as a drawing shows it, with a true minus sign and no minus before 0."""
    text = f"{float(value):.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def tuple_of(vector, digits: int = 0) -> str:
    """A vector as a drawing shows it: (2, 0)."""
    return f"({', '.join(number(value, digits) for value in vector)})"


def short(value: float) -> str:
    """A coordinate with at most one digit behind the point."""
    return f"{round(value, 1) + 0:g}"  # + 0: no minus before 0


def attributes(**values) -> str:
    """Attributes of an element: `stroke_width` becomes stroke-width, numbers are rounded, what is None is left out."""
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{short(value) if isinstance(value, int | float) else escape(str(value))}"'
        for name, value in values.items()
        if value is not None
    )


def letters(text: str) -> str:
    """A text for SVG: `d_k` has its k below the line, `K^T` its T above."""
    shifts = {"_": (6, -6), "^": (-8, 8)}
    parts = []
    for part in re.split(r"([_^]\w)", text):
        if part[:1] in shifts and len(part) == 2:
            down, up = shifts[part[0]]
            parts.append(f'<tspan dy="{down}" font-size="85%">{part[1]}</tspan><tspan dy="{up}">&#8203;</tspan>')
        else:
            parts.append(escape(part, quote=False))
    return "".join(parts)


@dataclass
class Drawing:
    """An SVG that grows: every method adds something and returns the drawing. title: its name; text: what it shows."""

    high: int
    title: str
    text: str
    parts: list[str] = field(default_factory=list)

    def add(self, element: str, inside: str | None = None, **values) -> "Drawing":
        self.parts.append(f"<{element}{attributes(**values)}" + ("/>" if inside is None else f">{inside}</{element}>"))
        return self

    @contextmanager
    def faded(self, opacity):
        """What is added in a `with` block is seen through so much."""
        start = len(self.parts)
        yield
        if opacity != 1:
            self.parts[start:] = [f"<g{attributes(opacity=opacity)}>", *self.parts[start:], "</g>"]

    def write(self, x, y, text, size=NORMAL, color=INK, anchor="middle", bold=False, halo=False) -> "Drawing":
        """Text whose middle is at the height y. anchor: start, middle or end; halo: a rim of the ground, over lines."""
        rim = (
            {"stroke": LIGHT["ground"], "stroke_width": 6, "stroke_linejoin": "round", "paint_order": "stroke"} if halo else {}
        )
        weight = "600" if bold else None
        place = {"x": x, "y": y + 0.36 * size, "font_size": size, "text_anchor": anchor}
        return self.add("text", letters(text), fill=color, font_weight=weight, **place, **rim)

    def box(self, x, y, width, height, text="", color=INK, size=NORMAL, fill=None) -> "Drawing":
        """A box around the point (x, y) with a text in it."""
        place = {"x": x - width / 2, "y": y - height / 2, "width": width, "height": height, "rx": 8}
        self.add("rect", fill=fill or TINTS[color], stroke=color, stroke_width=2, **place)
        return self.write(x, y, text, size) if text else self

    def line(self, *points, color=INK, width=2.5, dash=None) -> "Drawing":
        path = " ".join(f"{short(x)},{short(y)}" for x, y in points)
        return self.add("polyline", points=path, fill="none", stroke=color, stroke_width=width, stroke_dasharray=dash)

    def arrow(self, *points, color=INK, width=2.5) -> "Drawing":
        """A line through the points, with a head at its end."""
        (x0, y0), (x, y) = points[-2:]
        angle, long = atan2(y - y0, x - x0), 9 + 2 * width
        self.line(*points[:-1], (x - 0.8 * long * cos(angle), y - 0.8 * long * sin(angle)), color=color, width=width)
        wings = [(x - long * cos(angle + side), y - long * sin(angle + side)) for side in (-0.42, 0.42)]
        return self.add("polygon", points=" ".join(f"{short(a)},{short(b)}" for a, b in [(x, y), *wings]), fill=color)

    def matrix(self, x, y, values, color=INK, cell=(52, 46), digits=0, name="", mark=None, size=20) -> "Drawing":
        """A matrix whose left upper corner is (x, y), its name over it and its shape under it. mark: a row that is in bold."""
        rows, columns = len(values), len(values[0])
        wide, high = cell
        tint = TINTS[color]
        self.add("rect", x=x, y=y, width=columns * wide, height=rows * high, fill=tint, stroke=color, stroke_width=2, rx=4)
        for row, numbers in enumerate(values):
            for column, value in enumerate(numbers):
                place = x + (column + 0.5) * wide, y + (row + 0.5) * high
                needed = digits or int(not float(value).is_integer())
                self.write(*place, number(value, needed), size, bold=row == mark)
        if mark is not None:
            self.add(
                "rect", x=x, y=y + mark * high, width=columns * wide, height=high, fill="none", stroke=color, stroke_width=4
            )
        middle = x + columns * wide / 2
        self.write(middle, y - 22, name, NORMAL, color, bold=True)
        return self.write(middle, y + rows * high + 20, f"{rows} × {columns}", SMALL, QUIET)

    def __str__(self) -> str:
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {self.high}" width="{WIDE}" height="{self.high}"'
        head += f" font-family='{FONT}' role=\"img\">"
        ground = attributes(x=1, y=1, width=WIDE - 2, height=self.high - 2, rx=12, fill=LIGHT["ground"], stroke=GRID)
        named = [f"<title>{escape(self.title)}</title>", f"<desc>{escape(self.text)}</desc>", f"<rect{ground}/>"]
        return "\n".join([head, *named, *self.parts, "</svg>\n"])


def opened(high: int, title: str, text: str) -> Drawing:
    """A drawing with its title written at the top."""
    return Drawing(high, title, text).write(40, 44, title, LARGE, bold=True, anchor="start")


def plane(ax, name, color, across, up):
    """A plane with its two axes and no more. across, up: from where to where."""
    ax.set(xlim=across, ylim=up, xticks=[], yticks=[], aspect="equal", facecolor=LIGHT["ground"])
    ax.spines[:].set_visible(False)
    ax.axhline(0, color=GRID, zorder=0)
    ax.axvline(0, color=GRID, zorder=0)
    ax.set_title(name, fontsize=16, color=color, fontweight="bold", pad=10)


def film(moments: list, frame: Callable) -> bytes:
    """An animated PNG, which plays once and stays at its end. frame: what draws a moment."""
    return png_of([frame(moment) for moment in moments], [moment.milliseconds for moment in moments], loop=1)
