"""How a site works, as one value: what a form asks, what a change compares, what a fingerprint is of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

from bonefrac.accounts.models import IdentityPolicy, ReadingMode, Site


@dataclass(frozen=True, slots=True)
class SiteTerms:
    """How a site works. ``reading_mode`` is chosen by whoever makes the site, never preset."""

    name: str
    reading_mode: ReadingMode
    readings_required: int = 1
    wait_ceiling_minutes: int = 120
    triage: bool = True
    uploaders_see_ai: bool = False
    critical_minutes: int = 60
    time_zone: str = "UTC"
    identity_policy: IdentityPolicy = IdentityPolicy.PSEUDONYMOUS
    originals_days: int = 30
    readers_see_held: bool = False
    max_file_megabytes: int | None = None
    max_batch_files: int | None = None
    max_megapixels: int | None = None
    max_files_per_hour: int | None = None
    max_batch_megabytes: int | None = None
    max_archive_nesting: int | None = None
    max_archive_ratio: int | None = None
    max_archive_entries: int | None = None


def terms_of(site: Site) -> SiteTerms:
    """Return how a site works now."""
    values = {term.name: getattr(site, term.name) for term in fields(SiteTerms)}
    modes = {"reading_mode": ReadingMode(site.reading_mode), "identity_policy": IdentityPolicy(site.identity_policy)}
    return SiteTerms(**values | modes)


def fingerprint(site: Site) -> str:
    """Return what a form must send back to show that it was filled for the site as it is."""
    return hashlib.sha256(repr(terms_of(site)).encode()).hexdigest()[:16]
