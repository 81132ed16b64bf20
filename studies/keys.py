"""The one table of the reading page's keys: what can be done, by which key, and the keys that a person chose instead.

The keys of the picture are the usual ones of OHIF; the letters that those leave free are ours. A key is written as the
browser names it, with its modifiers before it in one order: ``f``, ``Ctrl+z``, ``Shift+b``, ``ArrowUp``, ``Space``. A
letter is small, and ``Shift`` stands before letters and named keys only, since with any other character it is part of
typing it. What a key does is the scripts' business; that no key does two things is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import models, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bonefrac.errors import Conflict, Invalid
from studies.models import KeyBindings

if TYPE_CHECKING:
    from bonefrac.accounts.models import User


class Group(models.TextChoices):
    """What an action is about; the order is that of the legend."""

    READING = "reading", _("Your reading")
    SIGNING = "signing", _("Signing")
    FINDINGS = "findings", _("Findings and measures")
    DRAGGING = "dragging", _("What dragging does")
    VIEW = "view", _("The picture")
    GOING = "going", _("From picture to picture")
    PAGE = "page", _("The page")


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a key does: its name in the scripts, its usual key, and the words for people."""

    name: str
    key: str
    words: str | Promise
    group: Group


@dataclass(frozen=True, slots=True)
class Binding:
    """An action with the key that one person has for it; no key where another action took it."""

    action: Action
    key: str

    @property
    def is_own(self) -> bool:
        """Whether the key is the person's own choice."""
        return self.key != self.action.key

    @property
    def caps(self) -> tuple[str, ...]:
        """The key as it is printed: ``Ctrl``, ``z`` or ``↑``."""
        return caps(self.key)


ACTIONS: tuple[Action, ...] = (
    Action("fracture", "f", _("fracture"), Group.READING),
    Action("noFracture", "n", _("no acute fracture"), Group.READING),
    Action("notAssessable", "u", _("not assessable"), Group.READING),
    Action("definite", "s", _("definite"), Group.READING),
    Action("probable", "e", _("probable"), Group.READING),
    Action("possible", "d", _("possible"), Group.READING),
    Action("cast", "c", _("cast or hardware is present"), Group.READING),
    Action("critical", "Shift+c", _("critical: somebody has to hear of it now"), Group.READING),
    Action("otherFindings", "o", _("other findings"), Group.READING),
    Action("perImage", "Shift+i", _("a reading for each image"), Group.READING),
    Action("advice", "Shift+a", _("advice"), Group.READING),
    Action("note", "t", _("write a note"), Group.READING),
    Action("sign", "Enter", _("sign and go on"), Group.SIGNING),
    Action("agree", "a", _("agree with the machine and sign"), Group.SIGNING),
    Action("undoSigning", "Shift+u", _("take the last signature back"), Group.SIGNING),
    Action("nextUnseen", "x", _("next image not shown yet"), Group.SIGNING),
    Action("claimAgain", "Shift+h", _("claim again, once the claim is over"), Group.SIGNING),
    Action("lookAgain", "Shift+l", _("look at a study that has changed"), Group.SIGNING),
    Action("problem", "p", _("report a problem"), Group.SIGNING),
    Action("skip", "Shift+s", _("skip the study, with a reason"), Group.SIGNING),
    Action("handBack", "Shift+q", _("hand the study back"), Group.SIGNING),
    Action("sentence", "y", _("copy the report sentence"), Group.SIGNING),
    Action("boxTool", "b", _("draw a box around a fracture"), Group.FINDINGS),
    Action("pointTool", "Shift+b", _("set a point on a fracture"), Group.FINDINGS),
    Action("describe", "Shift+d", _("bone, side, type of the finding"), Group.FINDINGS),
    Action("unlocated", "Shift+w", _("add a finding without drawing it"), Group.FINDINGS),
    Action("nextMark", "]", _("next finding on the pictures"), Group.FINDINGS),
    Action("previousMark", "[", _("finding before on the pictures"), Group.FINDINGS),
    Action("deleteChosen", "Backspace", _("delete what is chosen"), Group.FINDINGS),
    Action("lengthTool", "k", _("measure a length"), Group.FINDINGS),
    Action("angleTool", "j", _("measure an angle"), Group.FINDINGS),
    Action("undo", "Ctrl+z", _("undo"), Group.FINDINGS),
    Action("redo", "Ctrl+y", _("redo"), Group.FINDINGS),
    Action("windowTool", "w", _("the window (contrast, brightness)"), Group.DRAGGING),
    Action("zoomTool", "z", _("the zoom"), Group.DRAGGING),
    Action("panTool", "g", _("the place"), Group.DRAGGING),
    Action("magnifierTool", "q", _("a magnifier"), Group.DRAGGING),
    Action("preset1", "1", _("window 1"), Group.VIEW),
    Action("preset2", "2", _("window 2"), Group.VIEW),
    Action("preset3", "3", _("window 3"), Group.VIEW),
    Action("preset4", "4", _("window 4"), Group.VIEW),
    Action("preset5", "5", _("window 5"), Group.VIEW),
    Action("invert", "i", _("invert the greys"), Group.VIEW),
    Action("rotateRight", "r", _("turn to the right"), Group.VIEW),
    Action("rotateLeft", "l", _("turn to the left"), Group.VIEW),
    Action("flipHorizontal", "h", _("flip left and right"), Group.VIEW),
    Action("flipVertical", "v", _("flip top and bottom"), Group.VIEW),
    Action("zoomIn", "+", _("larger"), Group.VIEW),
    Action("zoomOut", "-", _("smaller"), Group.VIEW),
    Action("fit", "=", _("fit the whole image"), Group.VIEW),
    Action("reset", "Space", _("as it came"), Group.VIEW),
    Action("toggleMap", "m", _("the map of the model, on and off"), Group.VIEW),
    Action("nextRegion", "Shift+m", _("next region of the map"), Group.VIEW),
    Action("retry", "Shift+r", _("load a picture again that failed"), Group.VIEW),
    Action("nextImage", "ArrowDown", _("next image"), Group.GOING),
    Action("previousImage", "ArrowUp", _("image before"), Group.GOING),
    Action("firstImage", "Home", _("first image"), Group.GOING),
    Action("lastImage", "End", _("last image"), Group.GOING),
    Action("nextSeries", "PageDown", _("next image, as the next series"), Group.GOING),
    Action("previousSeries", "PageUp", _("image before, as the series before"), Group.GOING),
    Action("nextViewport", "ArrowRight", _("next picture of those side by side"), Group.GOING),
    Action("previousViewport", "ArrowLeft", _("picture before of those side by side"), Group.GOING),
    Action("nextStage", ".", _("more pictures side by side"), Group.GOING),
    Action("previousStage", ",", _("fewer pictures side by side"), Group.GOING),
    Action("cancel", "Escape", _("let go of the tool or of what is chosen"), Group.PAGE),
    Action("fullScreen", "Shift+f", _("full screen"), Group.PAGE),
    Action("legend", "?", _("these keys"), Group.PAGE),
)

_BY_NAME = {action.name: action for action in ACTIONS}
_MODIFIERS = ("Ctrl", "Alt", "Shift")
_NAMED = frozenset(
    {"Enter", "Escape", "Space", "Backspace", "Delete", "Insert", "Home", "End", "PageUp", "PageDown"}
    | {"ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"}
) | {f"F{number}" for number in range(1, 13)}
_OF_THE_BROWSER = frozenset({"Ctrl+w", "Ctrl+t", "Ctrl+n", "Ctrl+q", "Ctrl+r", "Ctrl+l", "F5", "F11", "F12"})
_CAPS = {"ArrowUp": "↑", "ArrowDown": "↓", "ArrowLeft": "←", "ArrowRight": "→", "Escape": "Esc"}


def caps(key: str) -> tuple[str, ...]:
    """Return the caps of a key as people see them, in the order of pressing; none for no key."""
    if not key:
        return ()
    held, last = _split(key)
    return (*held, _CAPS.get(last, last))


@dataclass(frozen=True, slots=True)
class Table:
    """All actions with the keys of one person, in the order of the table."""

    bindings: tuple[Binding, ...]

    @property
    def has_own(self) -> bool:
        """Whether any key is the person's own choice."""
        return any(one.is_own for one in self.bindings)

    @property
    def groups(self) -> list[tuple[str, list[Binding]]]:
        """The bindings under the words of their group, for the legend and the page of keys."""
        return [(str(group.label), [one for one in self.bindings if one.action.group == group]) for group in Group]

    @property
    def printed(self) -> dict[str, str]:
        """What is printed on each action's key, empty where it has none."""
        return {one.action.name: " ".join(one.caps) for one in self.bindings}

    @property
    def for_scripts(self) -> dict[str, dict[str, str]]:
        """What the page's scripts are given: each key, what is printed on it, and the words of its tool tip."""
        return {
            "keys": {one.action.name: one.key for one in self.bindings},
            "caps": self.printed,
            "words": {one.action.name: str(one.action.words) for one in self.bindings},
        }


def of(person: User) -> Table:
    """Return every action with the key that the person has for it."""
    row = KeyBindings.objects.filter(person=person).first()
    return bound(row.keys if row else {})


def bound(own: Mapping[str, str]) -> Table:
    """Return every action with its key; a chosen key wins over the usual key of another action."""
    chosen: dict[str, str] = {}
    for action in ACTIONS:
        key = own.get(action.name, "")
        if key and key not in chosen.values():
            chosen[action.name] = key
    taken = set(chosen.values())
    return Table(tuple(Binding(one, chosen.get(one.name) or ("" if one.key in taken else one.key)) for one in ACTIONS))


def bind(person: User, *, action: str, key: str) -> Binding:
    """Give an action another key.

    Raises:
        Invalid: There is no such action, or the key is none that a page can hear.
        Conflict: Another action of the person has the key (``key_taken``); nothing changed.
    """
    wanted = _known(action)
    pressed = _checked(key)
    with transaction.atomic():
        row = _locked(person)
        holder = next((one for one in bound(row.keys).bindings if one.key == pressed and one.action != wanted), None)
        if holder is not None:
            raise Conflict(
                gettext("%(key)s is the key of “%(words)s” already. Nothing was changed: give that another key first.")
                % {"key": " ".join(caps(pressed)), "words": holder.action.words},
                code="key_taken",
            )
        _keep(row, {**row.keys, action: pressed})
    return Binding(wanted, pressed)


def restore(person: User, *, action: str) -> Binding:
    """Give an action its usual key again.

    Raises:
        Invalid: There is no such action.
        Conflict: Another action of the person has its usual key (``key_taken``); nothing changed.
    """
    return bind(person, action=action, key=_known(action).key)


def restore_all(person: User) -> None:
    """Give every action its usual key again."""
    with transaction.atomic():
        _keep(_locked(person), {})


def _split(key: str) -> tuple[list[str], str]:
    held, rest = [], key
    for modifier in _MODIFIERS:
        if rest.startswith(f"{modifier}+") and len(rest) > len(modifier) + 1:
            held.append(modifier)
            rest = rest[len(modifier) + 1 :]
    return held, rest


def _known(action: str) -> Action:
    if action not in _BY_NAME:
        raise Invalid(gettext("There is no such action. Reload the page of keys."), code="no_action")
    return _BY_NAME[action]


def _checked(key: str) -> str:
    held, last = _split(key)
    if key in _OF_THE_BROWSER or last == "Tab":
        sentence = gettext("%(key)s belongs to the browser or to going from field to field. Choose another key.")
        raise Invalid(sentence % {"key": " ".join(caps(key))}, code="key_reserved")
    is_letter = len(last) == 1 and last.isalpha() and last == last.lower()
    is_sign = len(last) == 1 and not last.isalpha() and not last.isspace() and last.isprintable()
    if not (is_letter or last in _NAMED or (is_sign and "Shift" not in held)):
        raise Invalid(gettext("That is no key which the page can hear. Choose another one."), code="key_unknown")
    return key


def _locked(person: User) -> KeyBindings:
    KeyBindings.objects.get_or_create(person=person, defaults={"saved_at": timezone.now()})
    return KeyBindings.objects.select_for_update().get(person=person)


def _keep(row: KeyBindings, keys: Mapping[str, str]) -> None:
    row.keys = {name: key for name, key in keys.items() if name in _BY_NAME and key != _BY_NAME[name].key}
    row.saved_at = timezone.now()
    row.save(update_fields=["keys", "saved_at"])
