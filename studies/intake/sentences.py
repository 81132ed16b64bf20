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
    "not_an_image": gettext_lazy("Send radiographs as DICOM, JPEG, PNG, TIFF, BMP or WebP, or a ZIP or TAR of them."),
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
    "encrypted": gettext_lazy("Pack it again without a password."),
    "unsafe_path": gettext_lazy("Pack it again from inside its folder."),
    "link_in_archive": gettext_lazy("Pack the file itself."),
    "unsupported_packing": gettext_lazy("Pack it again as an ordinary ZIP or TAR.GZ."),
    "too_nested": gettext_lazy("Send the inner archive by itself."),
    "too_many_entries": gettext_lazy("Send it as several archives."),
    "archive_too_large": gettext_lazy("Send it as several archives."),
    "no_images": gettext_lazy("Send radiographs as DICOM, JPEG, PNG, TIFF, BMP or WebP."),
    "refused_by_lead": gettext_lazy("Ask the lead of the site."),
}


def refused(code: str, what: str) -> str:
    """Return the three parts of a refusal, of which ``what`` is the first, without capital or full stop."""
    advice = str(ADVICE[code])
    parts = (_("It was not accepted: %(what)s.") % {"what": what}, _("The other files are not affected."), advice)
    return " ".join(parts)[:_LENGTH]


def opened(taken: int, *, refused: int, skipped: int) -> str:
    """Return what is said of an archive whose entries have been taken in."""
    sentence = _("It was opened. Taken in, each with a verdict of its own: %(taken)s.") % {"taken": taken}
    if refused:
        sentence += " " + _("Not accepted: %(refused)s.") % {"refused": refused}
    if skipped:
        sentence += " " + _("Skipped, left there by a desktop or a disc: %(skipped)s.") % {"skipped": skipped}
    return sentence


def film_photo() -> str:
    """Return what is said of a photograph of a film that was taken in."""
    return _("It is a photograph of a film: people read it, the model does not assess it.")


def duplicate(*, is_void: bool = False) -> str:
    """Return what is said of a picture that is here already, perhaps in a study that was voided."""
    if is_void:
        return _(
            "This picture is already here, in a study that was voided: the file was linked to it. A lead of the site "
            "can restore that study."
        )
    return _("This picture is already here: the file was linked to the first one. There is nothing to do.")


def linked() -> str:
    """Return what is said of a held picture that a lead took for the one that is here."""
    return _("A lead of the site decided: this picture is already here, under its right patient. The file was linked.")


def why_held(code: str) -> str:
    """Return why a file waits for a lead, without capital or full stop."""
    reasons = {
        "text_in_pixels": _("its pixels hold a line of letters that may name somebody"),
        "two_patients": _("the same picture is here under another patient"),
        "other_patient": _("its study is here under another patient"),
        "void_study": _("its study has been voided"),
    }
    return reasons[code]


def held(code: str) -> str:
    """Return what is said of a file that waits for a lead."""
    return _("It is held: %(why)s. Its bytes are safe. A lead of the site decides.") % {"why": why_held(code)}
