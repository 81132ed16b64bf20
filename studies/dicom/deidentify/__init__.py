"""De-identification by the Basic Application Level Confidentiality Profile (DICOM PS3.15 annex E).

``engine`` runs in the decoding child, which holds no secret: it drops, empties and cleans. ``finishing`` runs where the
site's secret is and replaces what must stay consistent: UIDs and dates. Nothing is stored between the two.
"""

from studies.dicom.deidentify.engine import deidentify
from studies.dicom.deidentify.finishing import finish
from studies.dicom.deidentify.options import METHOD, stamp

__all__ = ["METHOD", "deidentify", "finish", "stamp"]
