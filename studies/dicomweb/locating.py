"""Where an instance that was taken in will be found: under the UIDs that replace its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bonefrac.accounts import pseudonyms
from studies.dicom import compose
from studies.dicomweb.storing import Identity

if TYPE_CHECKING:
    from bonefrac.accounts.models import Site


def address(base: str, site: Site, identity: Identity) -> str:
    """Return the address of an instance once it is accepted; empty where it came without what is needed to tell.

    The same picture sent before, or a study that a lead merged, answers under the address of the first.
    """
    if not (identity.study and identity.instance and identity.sop_class):
        return ""
    study = pseudonyms.uid(site, identity.study)
    series = compose.series_uid(study, identity.sop_class)
    return f"{base}/studies/{study}/series/{series}/instances/{pseudonyms.uid(site, identity.instance)}"
