"""The JSON shapes of what is signed: a judgement as a program sends it, a review as it reads it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from rest_framework import serializers

from studies.models import Finding, Review
from studies.reviews import Box, Judgement, Point, Unlocated
from studies.states import Confidence, ImageVerdict, NotAssessableReason, Side, Verdict
from studies.terms import Advice, Bone, FractureType, OtherFinding, Shape


class NamedShape(serializers.Serializer[Any]):
    """A fracture by its bone, type, side and confidence; bone and type are of closed lists, or empty.

    An amendment may keep a text that the amended review has from before the lists were closed.
    """

    confidence = serializers.ChoiceField(choices=Confidence.choices, required=False, allow_blank=True, default="")
    bone = serializers.CharField(
        required=False, allow_blank=True, default="", help_text=f"one of {', '.join(Bone.values)}; or empty"
    )
    type = serializers.CharField(
        required=False, allow_blank=True, default="", help_text=f"one of {', '.join(FractureType.values)}; or empty"
    )
    side = serializers.ChoiceField(choices=Side.choices, required=False, default=Side.UNKNOWN)


class PointShape(NamedShape):
    """A point on a fracture, in pixels of the radiograph."""

    image = serializers.UUIDField()
    x = serializers.FloatField()
    y = serializers.FloatField()


class BoxShape(PointShape):
    """A box around a fracture, in pixels of the radiograph."""

    width = serializers.FloatField()
    height = serializers.FloatField()


class ImageReadingShape(serializers.Serializer[Any]):
    """What a reader says of one image."""

    image = serializers.UUIDField()
    verdict = serializers.ChoiceField(choices=ImageVerdict.choices)


class JudgementShape(serializers.Serializer[Any]):
    """What a reader signs. ``revision`` may come as the header If-Match instead.

    ``shown`` names the images that the reader was shown at full depth. It may be left out, which the audit record says;
    where it is given it has to hold every image that is not read as ``not_assessable``.
    """

    verdict = serializers.ChoiceField(choices=Verdict.choices)
    not_assessable_reason = serializers.ChoiceField(
        choices=NotAssessableReason.choices, required=False, allow_blank=True, default=""
    )
    confidence = serializers.ChoiceField(choices=Confidence.choices, required=False, allow_blank=True, default="")
    note = serializers.CharField(required=False, allow_blank=True, default="")
    image_readings = ImageReadingShape(many=True, required=False, default=list)
    boxes = BoxShape(many=True, required=False, default=list)
    points = PointShape(many=True, required=False, default=list)
    unlocated = NamedShape(many=True, required=False, default=list, help_text="fractures that are named and not drawn")
    other_findings = serializers.ListField(
        child=serializers.ChoiceField(choices=OtherFinding.choices), required=False, default=list
    )
    has_cast_or_hardware = serializers.BooleanField(required=False, default=False)
    advice = serializers.ListField(child=serializers.ChoiceField(choices=Advice.choices), required=False, default=list)
    is_critical = serializers.BooleanField(required=False, default=False)
    agreed_with_model = serializers.BooleanField(
        required=False, default=False, help_text="only where the reader was shown that the model says the same"
    )
    shown = serializers.ListField(child=serializers.UUIDField(), required=False, allow_null=True, default=None)
    revision = serializers.IntegerField(required=False)
    opened_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def judgement(self) -> Judgement:
        """Return what was sent; call it on valid data only."""
        sent = self.validated_data
        as_sent = (
            "verdict", "not_assessable_reason", "confidence", "other_findings", "has_cast_or_hardware", "advice",
            "is_critical", "agreed_with_model", "shown",
        )  # fmt: skip
        return Judgement(
            **{name: sent[name] for name in as_sent},
            note=sent["note"].strip(),
            image_readings={row["image"]: row["verdict"] for row in sent["image_readings"]},
            boxes=tuple(Box(**row) for row in sent["boxes"]),
            points=tuple(Point(**row) for row in sent["points"]),
            unlocated=tuple(Unlocated(**row) for row in sent["unlocated"]),
        )

    def when_opened(self) -> datetime | None:
        """Return when the reader opened the study; call it on valid data only."""
        return cast(datetime | None, self.validated_data["opened_at"])


class AmendShape(JudgementShape):
    """A correction, with its reason."""

    reason = serializers.CharField(required=False, allow_blank=True, default="")


class ReviewShape(serializers.ModelSerializer[Review]):
    """A signed reading or adjudication; ``is_withdrawal`` where its reader took back what it supersedes."""

    reader = serializers.CharField(source="reader.display_name")
    image_readings = serializers.SerializerMethodField()
    boxes = serializers.SerializerMethodField()
    points = serializers.SerializerMethodField()
    unlocated = NamedShape(source="unlocated_findings", many=True)

    class Meta:
        model = Review
        fields = [
            "id", "study", "reader", "kind", "mode", "round", "verdict", "not_assessable_reason", "confidence", "note",
            "other_findings", "has_cast_or_hardware", "advice", "is_critical", "agreed_with_model", "reason",
            "supersedes", "is_withdrawal", "signed_at", "image_readings", "boxes", "points", "unlocated",
        ]  # fmt: skip
        read_only_fields = fields

    def get_image_readings(self, review: Review) -> list[dict[str, str]]:
        """Return what was said of each marked image."""
        return [{"image": str(row.study_image_id), "verdict": row.verdict} for row in review.image_readings.all()]

    def get_boxes(self, review: Review) -> list[dict[str, Any]]:
        """Return the boxes in pixels of their radiographs."""
        return list(_drawn(review, Shape.BOX, "x", "y", "width", "height", "confidence", "bone", "type", "side"))

    def get_points(self, review: Review) -> list[dict[str, Any]]:
        """Return the points in pixels of their radiographs."""
        return list(_drawn(review, Shape.POINT, "x", "y", "confidence", "bone", "type", "side"))


def _drawn(review: Review, shape: Shape, *names: str) -> list[dict[str, Any]]:
    found: list[tuple[str, Finding]] = [
        (str(row.study_image_id), finding)
        for row in review.image_readings.all()
        for finding in row.findings.all()
        if finding.shape == shape
    ]
    return [{"image": image, **{name: getattr(finding, name) for name in names}} for image, finding in found]
