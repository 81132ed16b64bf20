"""People's rows in Django's administration: to be looked at only, since they are evidence."""

from __future__ import annotations

from django.contrib import admin

from bonefrac.admin import ReadOnlyAdmin
from studies.models import Dataset, Decision, Disclosure, Discrepancy, Notice, Problem, Review, Study


@admin.register(Study)
class StudyAdmin(ReadOnlyAdmin[Study]):
    """Studies; their questions and keys stay out of the list."""

    list_display = ["id", "site", "status", "round", "revision", "rank", "received_at"]
    list_filter = ["status", "site"]


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin[Review]):
    """Signed readings and adjudications."""

    list_display = ["id", "study", "reader", "kind", "mode", "round", "verdict", "signed_at"]
    list_filter = ["kind", "mode", "verdict"]


@admin.register(Disclosure)
class DisclosureAdmin(ReadOnlyAdmin[Disclosure]):
    """Who was shown which prediction."""

    list_display = ["id", "study", "reader", "prediction", "round", "at"]


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin[Decision]):
    """What leads decided, and why."""

    list_display = ["id", "study", "lead", "event", "round", "at"]


@admin.register(Problem)
class ProblemAdmin(ReadOnlyAdmin[Problem]):
    """Reported problems."""

    list_display = ["id", "study", "reporter", "reported_at", "settled_at"]


@admin.register(Dataset)
class DatasetAdmin(ReadOnlyAdmin[Dataset]):
    """Frozen datasets."""

    list_display = ["name", "site", "frozen_by", "frozen_at", "digest"]


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin[Notice]):
    """What people were told."""

    list_display = ["id", "person", "study", "kind", "made_at", "seen_at"]


@admin.register(Discrepancy)
class DiscrepancyAdmin(ReadOnlyAdmin[Discrepancy]):
    """Where header and entry differ."""

    list_display = ["id", "study", "fact", "header_value", "entered_value", "chosen", "answered_at"]
