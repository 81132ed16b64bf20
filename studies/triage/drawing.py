"""Draws how long each study waited, order below order, as one SVG that needs nothing else.

A study is a sign at its arrival and its wait: a hollow diamond where the AI suspected a fracture, a cross where it
missed one, a dot otherwise; shape tells them apart without colour. The line is the ceiling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

from studies.triage.streams import Arrival

WIDTH, HEIGHT, LEFT, TOP = 960, 190, 64, 34
#: More signs than this in a panel hide each other.
MOST: Final = 1200
#: As attributes, not as a style sheet, so that it is drawn under any content security policy.
TEXT: Final = 'font-family="system-ui,sans-serif" font-size="12" fill="#333"'
BOLD: Final = 'font-weight="600"'
FRAME: Final = 'fill="none" stroke="#999"'
CEILING: Final = 'stroke="#333" stroke-dasharray="6 4"'
OTHER: Final = 'class="other" fill="#8a8f98"'
POSITIVE: Final = 'class="positive" fill="none" stroke="#6d28d9" stroke-width="1.4"'
MISSED: Final = 'class="missed" fill="none" stroke="#b42318" stroke-width="2"'


def waits_over_time(
    arrivals: Sequence[Arrival], waited: Mapping[str, Sequence[float]], *, ceiling: float, title: str
) -> str:
    """Return an SVG with a panel for each order.

    Args:
        arrivals: By their times.
        waited: Minutes of wait of each arrival, by the order's name.
        ceiling: Of the worklist's order, in minutes.
        title: What was simulated.
    """
    shown = arrivals[:MOST]
    longest = max(max(values[: len(shown)]) for values in waited.values()) or 1.0
    last = shown[-1].minute or 1.0
    panels = "".join(
        _panel(number, name, shown, values, (last, longest, ceiling))
        for number, (name, values) in enumerate(waited.items())
    )
    height = TOP + len(waited) * (HEIGHT + 50) + 30
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" {TEXT}>'
        f"<title>{escape(title)}</title>"
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
        f'<text x="{LEFT}" y="18" {BOLD}>{escape(title)}</text>{panels}{_legend(height - 14)}</svg>'
    )


def _panel(
    number: int, name: str, arrivals: Sequence[Arrival], waited: Sequence[float], scale: tuple[float, float, float]
) -> str:
    last, longest, ceiling = scale
    top, across, down = TOP + 20 + number * (HEIGHT + 50), WIDTH - LEFT - 20, HEIGHT
    below = top + down
    line = below - down * min(ceiling, longest) / longest
    pairs = sorted(zip(arrivals, waited, strict=False), key=lambda pair: _weight(pair[0]))
    signs = "".join(
        _sign(arrival, LEFT + across * arrival.minute / last, below - down * minutes / longest)
        for arrival, minutes in pairs
    )
    return (
        f'<text x="{LEFT}" y="{top - 6}" {BOLD}>{escape(name)}</text>'
        f'<rect {FRAME} x="{LEFT}" y="{top}" width="{across}" height="{down}"/>'
        f'<text x="{LEFT - 6}" y="{top + 10}" text-anchor="end">{longest:.0f} min</text>'
        f'<text x="{LEFT - 6}" y="{below}" text-anchor="end">0</text>'
        f'<text x="{LEFT + across}" y="{below + 15}" text-anchor="end">{last / 60:.0f} h</text>'
        f'<line {CEILING} x1="{LEFT}" x2="{LEFT + across}" y1="{line:.1f}" y2="{line:.1f}"/>{signs}'
    )


def _weight(arrival: Arrival) -> int:
    return 2 if arrival.is_missed else int(arrival.ai_state == "positive")


def _sign(arrival: Arrival, x: float, y: float) -> str:
    if arrival.is_missed:
        return f'<path {MISSED} d="M{x - 4:.1f} {y - 4:.1f}l8 8m0-8l-8 8"/>'
    if arrival.ai_state == "positive":
        return f'<path {POSITIVE} d="M{x:.1f} {y - 4:.1f}l4 4l-4 4l-4-4z"/>'
    return f'<circle {OTHER} cx="{x:.1f}" cy="{y:.1f}" r="1.4"/>'


def _legend(y: int) -> str:
    words = (
        (f'<path {POSITIVE} d="M{LEFT} {y - 8}l4 4l-4 4l-4-4z"/>', "AI positive"),
        (f'<path {MISSED} d="M{LEFT + 136} {y - 8}l8 8m0-8l-8 8"/>', "fracture that the AI missed"),
        (f'<circle {OTHER} cx="{LEFT + 370}" cy="{y - 4}" r="3"/>', "everything else"),
        (f'<line {CEILING} x1="{LEFT + 520}" x2="{LEFT + 550}" y1="{y - 4}" y2="{y - 4}"/>', "ceiling"),
    )
    places = (12, 152, 382, 558)
    return "".join(
        f'{sign}<text x="{LEFT + place}" y="{y}">{word}</text>'
        for (sign, word), place in zip(words, places, strict=True)
    )
