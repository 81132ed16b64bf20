"""Turns a model's card, which came from outside, into HTML that can do nothing but be read.

Raw HTML is shown as text, pictures and links to anything but the web are left out, and no element carries a style.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.token import Token

_KEPT: Final = frozenset({"href", "title", "start"})
#: The page has a heading of its own above the card's.
_HEADINGS: Final = {"h1": "h2", "h2": "h3", "h3": "h4"}


def html_of(card: str) -> SafeString:
    """Return a Markdown card as HTML."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = parser.parse(card)
    _tame(tokens)
    _leave_corners_empty(tokens)
    tokens = [part for token in tokens for part in _wrapped(token)]
    # Everything that is not Markdown was escaped by the renderer; attributes were reduced to the harmless ones.
    return SafeString(parser.renderer.render(tokens, parser.options, {}))


def _tame(tokens: Sequence[Token]) -> None:
    for token in tokens:
        token.attrs = {name: value for name, value in token.attrs.items() if name in _KEPT}
        token.tag = _HEADINGS.get(token.tag, token.tag)
        if token.type == "table_open":
            token.attrs |= {"class": "table"}
        if token.type == "link_open":
            token.attrs |= {"rel": "noopener noreferrer"}
        _tame(token.children or [])


def _leave_corners_empty(tokens: Sequence[Token]) -> None:
    """Make a column's heading that says nothing a plain cell: there is nothing to read out."""
    for opened, said, closed in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if opened.type == "th_open" and not said.content.strip():
            opened.tag = closed.tag = "td"


def _wrapped(token: Token) -> list[Token]:
    """Return a token; around a table with a box that scrolls where the screen is narrow."""
    if token.type == "table_open":
        return [Token("wrap_open", "div", 1, attrs={"class": "table-wrap", "tabindex": "0"}), token]
    if token.type == "table_close":
        return [token, Token("wrap_close", "div", -1)]
    return [token]
