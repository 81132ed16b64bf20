"""Reads configuration from the environment and names everything that is missing or malformed at once.

It knows nothing of Django: ``settings.py`` asks here, and the process refuses to start with one message.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off", ""})


class ConfigurationError(Exception):
    """The environment does not say what the platform needs; the message lists every fault."""


class Environment:
    """A reader of environment variables that collects faults until ``verify`` is called."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = os.environ if variables is None else variables
        self._faults: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        """Return the variable's text, or the default where it is unset or empty."""
        return self._variables.get(name, "").strip() or default

    def required(self, name: str, purpose: str) -> str:
        """Return the variable's text; note a fault that names its purpose where it is missing."""
        value = self.text(name)
        if not value:
            self._faults.append(f"{name} is not set ({purpose})")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """Return a yes or no; anything else is a fault."""
        raw = self._variables.get(name)
        if raw is None:
            return default
        if raw.strip().lower() not in TRUE_WORDS | FALSE_WORDS:
            self._faults.append(f"{name}: expected one of 1, 0, true, false; received {raw!r}")
        return raw.strip().lower() in TRUE_WORDS

    def number(self, name: str, default: int, *, low: int = 0, high: int = 2**40) -> int:
        """Return a whole number within the bounds; anything else is a fault."""
        raw = self.text(name, str(default))
        try:
            value = int(raw)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            self._faults.append(f"{name}: expected a whole number from {low} to {high}; received {raw!r}")
            return default
        return value

    def choice(self, name: str, options: Sequence[str], default: str) -> str:
        """Return one of the options; anything else is a fault."""
        value = self.text(name, default)
        if value not in options:
            self._faults.append(f"{name}: expected one of {', '.join(options)}; received {value!r}")
        return value

    def names(self, name: str, default: Sequence[str]) -> list[str]:
        """Return a comma-separated list."""
        raw = self.text(name)
        return [part.strip() for part in raw.split(",") if part.strip()] if raw else list(default)

    def folder(self, name: str, default: Path) -> Path:
        """Return an absolute path of a folder; nothing is created."""
        return Path(self.text(name, str(default))).expanduser().absolute()

    def verify(self) -> None:
        """Raise ``ConfigurationError`` with every fault found so far."""
        if self._faults:
            raise ConfigurationError("The platform cannot start:\n- " + "\n- ".join(self._faults))
