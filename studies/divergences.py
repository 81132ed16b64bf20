"""Judgements of one study that differ: found when a study is settled or a model speaks later, looked at once by a lead.

Model against final reading, a first against a second reader, a reader before against after the AI. A study in dispute
is not here: a lead settles it without knowing who said what. What the model said is compared as the deciding reader was
shown it; where it was unsure or silent there is nothing to compare.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import combinations
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.db import first_id_of
from bonefrac.errors import Conflict, Forbidden, Invalid
from inference.models import Prediction
from inference.states import PredictionState, Task
from studies import access, policies
from studies.consensus import Label, Reading, counting
from studies.contradictions import contradiction
from studies.models import Disclosure, Divergence, Study, StudyImage
from studies.selectors.ai import state_of
from studies.selectors.readings import label_from, readings_of
from studies.states import AIState, ReviewMode, StudyStatus, Verdict
from studies.terms import DivergenceKind
from studies.turns import only_second_looks_count, standing_reviews

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

REMARK: Final = 500
_EXPECTED: Final = {AIState.POSITIVE: Verdict.FRACTURE, AIState.NEGATIVE: Verdict.NO_FRACTURE}


def find(study: Study, label: Label, readings: Sequence[Reading]) -> list[Divergence]:
    """Write down in what judgements of a study that was just settled differ; what is known already stays as it is."""
    rows = [*_of_readers(study, readings), *_of_model(study, label)]
    return Divergence.objects.bulk_create(rows, ignore_conflicts=True) if rows else []


def find_late(radiograph_id: uuid.UUID) -> int:
    """Compare what a model said only after a reading was final with it; return how many studies differ from it newly.

    Nobody is told and nothing is shown by it: the list shows a model's word to those only who may know it.
    """
    shown = Study.objects.filter(images__radiograph=radiograph_id, images__withdrawn_at__isnull=True)
    keys = shown.filter(status=StudyStatus.REVIEWED).values_list("pk", flat=True).distinct()
    return sum(_find_late(key) for key in list(keys))


def find_missed(*, limit: int = 200) -> int:
    """Do the same for words of the last hour whose ring was lost; return how many studies differ newly."""
    spoken = Prediction.objects.filter(
        pk__gte=first_id_of(timezone.now() - timedelta(hours=1)), model_version__task=Task.FRACTURE
    )
    last = spoken.filter(radiograph=OuterRef("radiograph")).order_by("-created_at")
    images = StudyImage.objects.filter(
        radiograph__in=spoken.values("radiograph"), study__status=StudyStatus.REVIEWED
    ).annotate(said_at=Subquery(last.values("created_at")[:1]))
    before = standing_reviews().filter(
        study=OuterRef("study"), round=OuterRef("study__round"), signed_at__lt=OuterRef("said_at")
    )
    known = Divergence.objects.filter(
        study=OuterRef("study"), round=OuterRef("study__round"), kind=DivergenceKind.MODEL_AGAINST_FINAL
    )
    late = images.filter(Exists(before), ~Exists(known)).values_list("study", flat=True).distinct()
    return sum(_find_late(key) for key in list(late[:limit]))


def _find_late(study_id: uuid.UUID) -> bool:
    with transaction.atomic():
        found = Study.objects.select_related("site").select_for_update(no_key=True, of=("self",))
        study = found.filter(pk=study_id, status=StudyStatus.REVIEWED).first()
        label = label_from(study, readings_of(study)) if study else None
        if study is None or label is None or _is_known(study, label):
            return False
        rows = list(_of_model(study, label))
        Divergence.objects.bulk_create(rows, ignore_conflicts=True)
    return bool(rows)


def _is_known(study: Study, label: Label) -> bool:
    """Whether the final reading is on the list already, for what the model said before."""
    about = {"study": study, "kind": DivergenceKind.MODEL_AGAINST_FINAL, "review": label.deciding.review}
    return Divergence.objects.filter(**about).exists()


def look_at(actor: User, divergence_id: uuid.UUID, *, remark: str = "") -> Divergence:
    """Note that a lead has looked at two judgements that differ, with a remark where there is one.

    Raises:
        NotFound, Forbidden: The actor may not see it, or is no lead of its site.
        Conflict: Somebody looked at it before.
        Invalid: The remark is too long.
    """
    found = visible(actor, divergence_id)
    if not access.standing(actor, found.study.site).leads:
        raise Forbidden(_("A lead of the site looks at it."))
    text = remark.strip()
    if len(text) > REMARK:
        sentence = _("The remark has more than 500 characters. Nothing was saved; make it shorter.")
        raise Invalid(sentence, code="remark_long", fields={"remark": sentence})
    with transaction.atomic():
        row = Divergence.objects.select_for_update(no_key=True).get(pk=found.pk)
        if row.looked_at is not None:
            raise Conflict(_("Somebody has looked at it already. Nothing was changed."), code="looked_at")
        row.looked_at, row.looked_at_by, row.remark = timezone.now(), actor, text
        row.save(update_fields=["looked_at", "looked_at_by", "remark"])
        about: dict[str, object] = {"divergence": str(row.pk), "kind": row.kind}
        site = found.study.site_id
        record(actor, Verb.DIVERGENCE_LOOKED_AT, target_type="study", target_id=row.study_id, site=site, data=about)
    return row


def visible(user: User, divergence_id: uuid.UUID) -> Divergence:
    """Return a divergence that the person may know of; one of the model only if they may know what it said."""
    found = access.divergence(user, divergence_id)
    held = access.standing(user, found.study.site)
    if not policies.may_see_differences(held):
        raise Forbidden(_("Leads, administrators and auditors of the site see what differs."))
    return found


def _of_readers(study: Study, readings: Sequence[Reading]) -> Iterator[Divergence]:
    own = counting(readings, blind_first=only_second_looks_count(study, readings))
    for first, second in combinations(own, 2):
        if _differ(first, second):
            yield _between(study, DivergenceKind.FIRST_AGAINST_SECOND, second, first)
    blind = {row.reader: row for row in readings if row.mode == ReviewMode.BLIND and row not in own}
    for reading in own:
        before = blind.get(reading.reader)
        if before and _differ(before, reading):
            yield _between(study, DivergenceKind.BLIND_AGAINST_ASSISTED, reading, before)


def _differ(one: Reading, other: Reading) -> bool:
    return contradiction(one.verdict, one.marks, other.verdict, other.marks) is not None


def _between(study: Study, kind: DivergenceKind, later: Reading, earlier: Reading) -> Divergence:
    return Divergence(study=study, kind=kind, round=study.round, review_id=later.review, other_id=earlier.review)


def _of_model(study: Study, label: Label) -> Iterator[Divergence]:
    said = _said(study, label.deciding.reader)
    expected = _EXPECTED.get(state_of(row.state for row in said)) if said else None
    if expected is None or label.verdict == Verdict.NOT_ASSESSABLE or label.verdict == expected:
        return
    decisive = next((row for row in said if row.state == PredictionState.POSITIVE), said[0])
    yield Divergence(
        study=study,
        kind=DivergenceKind.MODEL_AGAINST_FINAL,
        round=study.round,
        review_id=label.deciding.review,
        prediction=decisive,
    )


def _said(study: Study, reader: uuid.UUID) -> list[Prediction]:
    """Return what the fracture model said of each image: as the deciding reader was shown it, else the latest word.

    An image without a word makes the whole unknown, so that a half-assessed study is never called negative.
    """
    shown = Disclosure.objects.filter(study=study, reader=reader, round=study.round, prediction=OuterRef("pk"))
    radiographs = list(study.images.values_list("radiograph", flat=True))
    spoken = Prediction.objects.filter(
        radiograph__in=radiographs, model_version__task=Task.FRACTURE, model_version__activated_at__isnull=False
    )
    ordered = spoken.annotate(was_shown=Exists(shown)).order_by("was_shown", "created_at", "id")
    latest: dict[uuid.UUID, Prediction] = {row.radiograph_id: row for row in ordered}
    has_all = set(latest) == set(radiographs)
    said = list(latest.values())
    return said if has_all or any(row.state == PredictionState.POSITIVE for row in said) else []
