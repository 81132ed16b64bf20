"""Pieces of the report's page: tables that scroll by themselves on a narrow screen, banners, the frame around all.

Responsible for HTML and style; not for what is said. No script, nothing loaded from elsewhere.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from typing import Final

NOTICE: Final = "Research and evaluation. Not a medical device. A qualified person decides."
_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:72rem;padding:24px 16px 64px;color:#1b2127;
background:#fff}
h1{font-size:24px;margin:0 0 8px}h2{font-size:18px;margin:40px 0 8px;border-top:1px solid #c9d1d9;padding-top:16px}
h3{font-size:15px;margin:24px 0 4px}
p{max-width:46rem}
.wrap{overflow-x:auto;margin:12px 0}
table{border-collapse:collapse;font-size:13px}
caption{text-align:left;font-weight:600;padding:4px 0}
th,td{border-bottom:1px solid #dde2e8;padding:4px 16px 4px 0;text-align:left;vertical-align:top}
thead th{border-bottom:1px solid #8b96a3;white-space:nowrap}
tbody th{font-weight:400;min-width:8rem}
.tables{display:flex;flex-wrap:wrap;gap:0 48px}.tables .wrap{max-width:100%}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tr.part th{padding-top:12px;color:#4b5763;font-weight:600}
figure{margin:0}figcaption{font-size:13px;color:#4b5763}img{max-width:100%;height:auto}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,25rem),1fr));gap:16px}
.samples{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,19rem),1fr));gap:16px}
.samples img{width:49%;image-rendering:auto;background:#000}
.notice{border-left:4px solid #b7791f;padding:4px 12px;background:#fff8e6}
.red{border-left:8px solid #c62828;padding:8px 12px;background:#fdecea;color:#8e1b1b;font-weight:600}
.machine{color:#5b3fb5}.dim{color:#4b5763}
code{font-size:12px;overflow-wrap:anywhere}
@media print{body{max-width:none}}
"""


def document(title: str, parts: Sequence[str]) -> str:
    """Return a whole page."""
    body = "\n".join(part for part in parts if part)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n<main>\n{body}\n</main>\n</body></html>\n"
    )


def heading(words: str, level: int = 2) -> str:
    """Return a heading."""
    return f"<h{level}>{html.escape(words)}</h{level}>"


def paragraph(words: str, kind: str = "") -> str:
    """Return a paragraph of plain text; `kind` is a class of the style."""
    name = f' class="{kind}"' if kind else ""
    return f"<p{name}>{html.escape(words)}</p>"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "", *, numbers: bool = True) -> str:
    """Return a table; a row of one cell begins a part.

    Args:
        head: names of the columns.
        rows: cells; the first one names the row.
        caption: what it shows.
        numbers: whether the cells are numbers, which stand at the right.
    """
    kind = ' class="number"' if numbers else ""
    cells = "".join(
        f'<th scope="col"{kind if index else ""}>{html.escape(cell)}</th>' for index, cell in enumerate(head)
    )
    lines = [_line(row, len(head), kind) for row in rows]
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="wrap" tabindex="0" role="region" aria-label="{html.escape(caption or head[0] or "table")}">'
        f"<table>{title}<thead><tr>{cells}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def side_by_side(tables: Sequence[str]) -> str:
    """Return small tables that stand beside each other where there is room."""
    return f'<div class="tables">{"".join(tables)}</div>'


def _line(row: Sequence[str], columns: int, kind: str) -> str:
    if len(row) == 1:
        return f'<tr class="part"><th colspan="{columns}" scope="colgroup">{html.escape(row[0])}</th></tr>'
    first = f'<th scope="row">{html.escape(row[0])}</th>'
    return "<tr>" + first + "".join(f"<td{kind}>{html.escape(cell)}</td>" for cell in row[1:]) + "</tr>"


def plain_text(value: object) -> str:
    """Return a value of JSON as text: words as they are, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
