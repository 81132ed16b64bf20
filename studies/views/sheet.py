"""What the reading page is given: the viewer's data, the form's fields, and which of the four kinds of form it is."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone

from bonefrac.accounts.models import User
from bonefrac.errors import DomainError
from studies.forms import Typed
from studies.models import Study, StudyImage
from studies.reviews import next_mode
from studies.selectors.ai import ImageAI
from studies.selectors.readings import reads_blind_first
from studies.selectors.story import Story, image_name
from studies.states import Confidence, ImageVerdict, NotAssessableReason, ReviewMode, StudyEvent, Verdict


@dataclass(frozen=True, slots=True)
class Sheet:
    """The form beside the image: where it is sent, what stands in it, and what is wrong with it."""

    kind: StudyEvent
    action: str
    typed: Typed
    error: DomainError | None = None
    review: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class SheetImage:
    """One image of the form, and what was typed for it."""

    id: uuid.UUID
    label: str
    typed: str


def context(user: User, story: Story, sheet: Sheet) -> dict[str, Any]:
    """Return the context of ``studies/reading.html``."""
    study = story.study
    can_write = sheet.kind != StudyEvent.SIGN or (story.is_mine and StudyEvent.SIGN in story.events)
    typed = sheet.typed.images
    images = [SheetImage(image.pk, image_name(image), typed.get(str(image.pk), "")) for image in story.images]
    return {
        "story": story,
        "study": study,
        "sheet": sheet,
        "images": images,
        "can_write": can_write,
        "can_claim": sheet.kind == StudyEvent.SIGN and not story.is_mine and StudyEvent.SIGN in story.events,
        "is_second_look": reads_blind_first(study) and next_mode(user, study) == ReviewMode.ASSISTED,
        "opened_at": timezone.now().isoformat(),
        "verdicts": zip("fnu", Verdict.choices, strict=True),
        "confidences": zip("123", Confidence.choices, strict=True),
        "reasons": NotAssessableReason.choices,
        "image_verdicts": ImageVerdict.choices,
        "reading_data": {
            "study": str(study.pk),
            "can_read": can_write,
            "images": [image_data(study, image, story.ai.of(image.pk)) for image in story.images],
        },
    }


def image_data(study: Study, image: StudyImage, ai: ImageAI | None) -> dict[str, Any]:
    """Return what the viewer needs of one image; its map is None where the person may not know of one."""
    keys = [study.pk, image.pk]
    return {
        "id": str(image.pk),
        "position": image.position,
        "label": image_name(image),
        "dicom": reverse("studies:instance", args=keys),
        "preview": reverse("studies:preview", args=keys),
        "rows": image.radiograph.rows,
        "columns": image.radiograph.columns,
        "map": _map(ai, keys) if ai is not None and ai.has_map else None,
        "map_reason": ai.map_reason if ai is not None and not ai.has_map else "",
    }


def _map(ai: ImageAI, keys: list[uuid.UUID]) -> dict[str, Any]:
    return {
        "url": reverse("studies:map", args=keys),
        "name": ai.map_name,
        "content_box": ai.content_box,
        "regions": ai.regions,
        "certainty": ai.certainty,
        "state": ai.state,
        "sentence": ai.sentence,
        "model_version": ai.model_version,
        "score": ai.score,
    }
