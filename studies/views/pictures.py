"""What the viewer is given: a study's images, how they hang, what is known of their lengths and greys, and priors."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from bonefrac.accounts.models import User
from bonefrac.accounts.requests import signed_in
from studies import access
from studies.dicom import compose
from studies.hanging import Hung, hang
from studies.models import Study, StudyImage
from studies.selectors.ai import ImageAI
from studies.selectors.priors import Prior, open_prior, priors_of
from studies.selectors.story import Story
from studies.states import Side
from studies.wording import names_of

_WINDOW = {"centre": "00281050", "width": "00281051", "name": "00281055"}


@require_GET
@login_required
def prior(request: HttpRequest, study_id: uuid.UUID, prior_id: uuid.UUID) -> HttpResponse:
    """Send the images of a prior to be shown beside a study."""
    user = signed_in(request)
    found = open_prior(user, access.read_study(user, study_id), prior_id)
    names = names_of(found.images)
    images = [image_data(found.study, image, names[image.pk], None) for image in found.images]
    answer = JsonResponse({"images": images})
    answer["Cache-Control"] = "private, no-store"
    return answer


def reading_data(user: User, story: Story, *, can_read: bool) -> dict[str, Any]:
    """Return the JSON of ``#reading-data``: static/js/reading.js says what is in it."""
    study, names = story.study, story.image_names
    hanging = hang(Hung(image.pk, image.view, image.side, image.position) for image in story.images)
    return {
        "study": str(study.pk),
        "can_read": can_read,
        "images": [image_data(study, image, names[image.pk], story.ai.of(image.pk)) for image in story.images],
        "hanging": [[str(key) for key in stack] for stack in hanging],
        # Where the page finds what will be drawn first, before its scripts are there.
        "first": reverse("studies:instance", args=[study.pk, hanging[0][0]]) if hanging else "",
        "priors": [_prior(study, prior) for prior in priors_of(user, study)],
    }


def image_data(study: Study, image: StudyImage, name: str, ai: ImageAI | None) -> dict[str, Any]:
    """Return what the viewer needs of one image; its map is None where the person may not know of one."""
    keys = [study.pk, image.pk]
    return {
        "id": str(image.pk),
        "position": image.position,
        "label": name,
        "view": image.view,
        "side": image.side,
        "dicom": reverse("studies:instance", args=keys),
        "preview": reverse("studies:preview", args=keys),
        "syntax": compose.syntax_of(image.radiograph),
        "rows": image.radiograph.rows,
        "columns": image.radiograph.columns,
        "spacing": _spacing(image),
        "aspect": _aspect(image),
        "windows": list(_windows(image)),
        **_looked(ai, keys),
    }


def looked_data(story: Story) -> list[dict[str, Any]]:
    """Return of each image where the model looked: what comes to a viewer that is open already."""
    said = ((image.pk, story.ai.of(image.pk)) for image in story.images)
    return [{"id": str(key), **_looked(ai, [story.study.pk, key])} for key, ai in said]


def _prior(study: Study, prior: Prior) -> dict[str, Any]:
    side = "" if prior.study.side == Side.UNKNOWN else str(prior.study.get_side_display())
    label = " ".join(part for part in (side, str(prior.study.get_body_part_display())) if part)
    return {
        "study": str(prior.study.pk),
        "date": prior.made_on.isoformat(),
        "label": label,
        "address": reverse("studies:prior", args=[study.pk, prior.study.pk]),
    }


def _spacing(image: StudyImage) -> dict[str, Any] | None:
    """Return millimetres between rows and columns: of the patient only where the file says how it was calibrated."""
    known = image.spacing
    if not known or (known.get("kind") == "patient" and not known.get("calibration")):
        return None
    return {"row": known["row"], "column": known["column"], "kind": known["kind"]}


def _aspect(image: StudyImage) -> float:
    vertical, horizontal = image.radiograph.grey.get("PixelAspectRatio") or (1, 1)
    return float(vertical) / float(horizontal)


def _windows(image: StudyImage) -> Iterator[dict[str, Any]]:
    """Yield the windows that the file names; the first is how the image is shown."""
    columns = {name: image.header.get(tag, {}).get("Value") or [] for name, tag in _WINDOW.items()}
    for index, (centre, width) in enumerate(zip(columns["centre"], columns["width"], strict=False)):
        if centre is not None and width is not None and float(width) > 0:
            name = columns["name"][index] if index < len(columns["name"]) else ""
            yield {"name": str(name or ""), "centre": float(centre), "width": float(width)}


def _looked(ai: ImageAI | None, keys: list[uuid.UUID]) -> dict[str, Any]:
    """Return the map of an image, or why there is none; neither where the person may not know of one."""
    if ai is None:
        return {"map": None, "map_reason": ""}
    return {"map": _map(ai, keys), "map_reason": ""} if ai.has_map else {"map": None, "map_reason": ai.map_reason}


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
