"""Background jobs of people's side: shells that parse an id and call one verb."""

from __future__ import annotations

import uuid

from celery.signals import worker_process_init

from bonefrac.celery import app, job
from studies import changeover, critical, divergences, drafts, intake, mailing, ranking, worklist
from studies.decoding.parent import decoder

# --- Worklist ---------------------------------------------------------------------------------------------------


@job(name="studies.rank", soft_seconds=20, hard_seconds=30)
def rank(study_id: str) -> None:
    """Rank one study."""
    ranking.rank_by_id(uuid.UUID(study_id))


@job(name="studies.rank_radiograph", soft_seconds=20, hard_seconds=30)
def rank_radiograph(radiograph_id: str) -> None:
    """Rank the studies that show a radiograph about which a model has spoken; what is read already is compared."""
    ranking.rank_of_radiograph(uuid.UUID(radiograph_id))
    divergences.find_late(uuid.UUID(radiograph_id))


@job(name="studies.follow_terms", soft_seconds=300, hard_seconds=360)
def follow_terms(site_id: str) -> None:
    """Let the open studies of a site whose terms have changed follow them."""
    changeover.follow_terms(uuid.UUID(site_id))


@job(name="studies.request_predictions", soft_seconds=300, hard_seconds=360)
def request_predictions(model_version_id: str) -> None:
    """Ask a newly active model about every unread study."""
    ranking.request_predictions(uuid.UUID(model_version_id))


@job(name="studies.sweep", soft_seconds=60, hard_seconds=90)
def sweep_studies() -> None:
    """Release lapsed claims, drop silent drafts and rank what a lost ring left behind."""
    worklist.release_lapsed_claims()
    ranking.lift_waiting()
    drafts.drop_silent()
    ranking.rank_open()
    divergences.find_missed()
    changeover.ring_again()


# --- What follows from readings ---------------------------------------------------------------------------------


@job(name="studies.tell", soft_seconds=90, hard_seconds=120)
def tell() -> None:
    """Tell leads of critical findings that are overdue, and mail the notices whose time has come."""
    critical.escalate_overdue()
    mailing.mail_due()


# --- Intake -----------------------------------------------------------------------------------------------------


@job(name="intake.judge", soft_seconds=150, hard_seconds=180)
def judge(file_id: str) -> None:
    """Give one incoming file its verdict."""
    intake.judge(uuid.UUID(file_id))


@job(name="intake.sweep", soft_seconds=60, hard_seconds=90)
def sweep_intake() -> None:
    """Ring files that wait, take back those whose worker is gone, drop old names."""
    intake.sweep()


@worker_process_init.connect
def _warm_up(**_: object) -> None:
    """Start the decoding child of a process that serves the queue, so that the first file does not wait for it."""
    if "intake" in app.amqp.queues.consume_from:
        decoder().warm_up()
