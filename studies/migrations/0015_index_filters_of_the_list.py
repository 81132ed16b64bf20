"""An index for every filter of the worklist, made while the platform goes on working."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.contrib.postgres.search import SearchVector
from django.db import migrations, models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Cast, Right

OPEN = Q(("status", "AWAITING"))
BAND = Case(
    When(age_months__lt=192, then=Value("child")),
    When(age_months__lt=780, then=Value("adult")),
    When(age_months__gte=780, then=Value("older")),
    default=Value("unknown"),
    output_field=models.TextField(),
)
INDEXES = [
    *(
        index
        for name, field in (("part", "body_part"), ("side", "side"), ("ai", "ai_state"))
        for index in (
            models.Index(
                fields=["site", field, "rank", "received_at", "id"], condition=OPEN, name=f"study_open_by_{name}"
            ),
            models.Index(fields=["site", "status", field, "-received_at", "-id"], name=f"study_by_{name}"),
        )
    ),
    models.Index(F("site"), BAND, F("rank"), F("received_at"), F("id"), condition=OPEN, name="study_open_by_band"),
    models.Index(F("site"), F("status"), BAND, F("received_at").desc(), F("id").desc(), name="study_by_band"),
    models.Index(
        fields=["site", "rank", "received_at", "id"],
        condition=Q(("status", "AWAITING"), ("urgent", True)),
        name="study_open_urgent",
    ),
    models.Index(fields=["site", "status", "-received_at", "-id"], condition=Q(("urgent", True)), name="study_urgent"),
    models.Index(
        fields=["site", "rank", "received_at", "id"],
        condition=Q(("status", "AWAITING"), ("readings_required__gt", 1)),
        name="study_open_shared",
    ),
    GinIndex(SearchVector("question", config="simple"), name="study_words", fastupdate=False),
    models.Index(
        Right(Cast("id", models.TextField()), 8), condition=Q(("patient_key__isnull", True)), name="study_by_short_id"
    ),
]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("studies", "0014_ai_state")]

    operations = [AddIndexConcurrently(model_name="study", index=index) for index in INDEXES]
