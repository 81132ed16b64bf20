"""What people read about a file: what happened, what was kept, what to do."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

_LENGTH: Final = 500

ADVICE: Final = {
    "truncated": gettext_lazy("Export it again from where it came from and send it anew."),
    "damaged": gettext_lazy("Export it again from where it came from and send it anew."),
    "empty": gettext_lazy("Check the file where it came from and send it again."),
    "no_pixels": gettext_lazy("Send the image itself, not its description or report."),
    "not_an_image": gettext_lazy("Send radiographs as DICOM, JPEG or PNG."),
    "lying_type": gettext_lazy("Export it again, or give it the ending of what it is."),
    "not_a_radiograph": gettext_lazy("Only radiographs are read here."),
    "multi_frame": gettext_lazy("Send single-frame radiographs."),
    "unsupported_syntax": gettext_lazy("Export it uncompressed or as JPEG, JPEG-LS, JPEG 2000 or RLE."),
    "unsupported_depth": gettext_lazy("Export it with 8 or 16 bits."),
    "too_large": gettext_lazy("Send the single image, or export it compressed."),
    "too_many_pixels": gettext_lazy("Export it at a lower resolution."),
    "too_demanding": gettext_lazy("Export it uncompressed or at a lower resolution."),
    "decoder_died": gettext_lazy("Export it in another encoding; tell the administrator if it happens again."),
    "lost": gettext_lazy("Send it again."),
    "same_instance": gettext_lazy("Ask the sender which of the two is right; a lead can void the study."),
    "study_void": gettext_lazy("A lead of the site can restore the study; then send it again."),
    "refused_by_lead": gettext_lazy("Ask the lead of the site."),
}


def refused(code: str, what: str) -> str:
    """Return the three parts of a refusal, of which ``what`` is the first, without capital or full stop."""
    advice = str(ADVICE[code])
    parts = (_("It was not accepted: %(what)s.") % {"what": what}, _("The other files are not affected."), advice)
    return " ".join(parts)[:_LENGTH]


def duplicate() -> str:
    """Return what is said of a picture that is here already."""
    return _("This picture is already here: the file was linked to the first one. There is nothing to do.")


def held(code: str) -> str:
    """Return what is said of a file that waits for a lead."""
    reasons = {
        "two_patients": _("the same picture is here under another patient"),
        "other_patient": _("its study is here under another patient"),
    }
    return _("It is held: %(why)s. Its bytes are safe. A lead of the site decides.") % {"why": reasons[code]}
