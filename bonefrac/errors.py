"""The errors whose type decides what happens: shown to a person, tried again, given up, or a bug.

``DomainError`` is shown: the faces turn it into one JSON shape, or the same as a page or fragment.
``TransientError`` and ``PermanentError`` end a background job; anything else is a bug and stays an exception.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class DomainError(Exception):
    """A refusal with a stable code and a sentence for people.

    Args:
        sentence: What happened, what was kept, what to do.
        code: A stable word for programs; the class's own where none is given.
        fields: Sentences by field name where single inputs are at fault.
    """

    status: ClassVar[int] = 400
    default_code: ClassVar[str] = "refused"

    def __init__(self, sentence: str, *, code: str = "", fields: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code or self.default_code
        self.fields = dict(fields or {})
        self.headers: dict[str, str] = {}

    def as_dict(self) -> dict[str, object]:
        """Return the one JSON shape in which every face shows a refusal."""
        return {"code": self.code, "message": self.sentence, "fields": self.fields}


class Invalid(DomainError):
    """The input cannot be accepted as it is (400)."""

    status = 400
    default_code = "invalid"


class NotFound(DomainError):
    """There is no such thing, or the person may not see it: the two are the same answer (404)."""

    status = 404
    default_code = "not_found"

    def __init__(self, sentence: str = "There is nothing at this address that you may see.") -> None:
        super().__init__(sentence)


class Forbidden(DomainError):
    """The person sees it but may not do this (403)."""

    status = 403
    default_code = "forbidden"


class Conflict(DomainError):
    """The thing has changed, is held by somebody else, or is in a state that does not allow this (409)."""

    status = 409
    default_code = "conflict"


class TooMuch(DomainError):
    """The input exceeds a stated limit (413)."""

    status = 413
    default_code = "too_large"


class TooOften(DomainError):
    """More than a person may do within a time (429).

    Args:
        sentence: What happened, what was kept, what to do.
        retry_after: Seconds until there is room again.
        code: A stable word for programs.
    """

    status = 429
    default_code = "rate_limited"

    def __init__(self, sentence: str, *, retry_after: int, code: str = "") -> None:
        super().__init__(sentence, code=code)
        self.headers = {"Retry-After": str(retry_after)}


class Unavailable(DomainError):
    """The platform cannot take this now and says why; nothing is lost (503)."""

    status = 503
    default_code = "unavailable"


class Full(Unavailable):
    """There is no room left on the platform's disk (507); says when to try again."""

    status = 507
    default_code = "disk_full"

    def __init__(self, sentence: str, *, retry_after: int = 60) -> None:
        super().__init__(sentence)
        self.headers = {"Retry-After": str(retry_after)}


class TransientError(Exception):
    """A job could not finish for a reason that may pass: it is put back with a delay."""


class PermanentError(Exception):
    """A job can never finish; it fails with a code and a sentence.

    Args:
        code: A stable word for programs.
        sentence: What was expected and what was received.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
