"""Addresses of the API of people's side."""

from django.urls import path

from studies.api import datasets, holding, intake, outcomes, rearranging, resumable, reviews, studies

urlpatterns = [
    # --- Studies ---
    path("studies/", studies.Studies.as_view(), name="api_studies"),
    path("studies/<uuid:study_id>/", studies.StudyDetail.as_view(), name="api_study"),
    path("studies/<uuid:study_id>/claim/", studies.Claim.as_view(), name="api_claim"),
    path("studies/<uuid:study_id>/hand-back/", studies.HandBack.as_view(), name="api_hand_back"),
    path("studies/<uuid:study_id>/skip/", studies.Skip.as_view(), name="api_skip"),
    path("sites/<uuid:site_id>/next/", studies.Next.as_view(), name="api_next"),
    path("studies/<uuid:study_id>/images/<uuid:image_id>/map/", studies.HeatMap.as_view(), name="api_map"),
    # --- Reviews ---
    path("studies/<uuid:study_id>/reviews/", reviews.Sign.as_view(), name="api_sign"),
    path("reviews/<uuid:review_id>/amend/", reviews.Amend.as_view(), name="api_amend"),
    path("reviews/<uuid:review_id>/undo/", reviews.Undo.as_view(), name="api_undo"),
    path("studies/<uuid:study_id>/adjudication/", reviews.Adjudicate.as_view(), name="api_adjudicate"),
    path("studies/<uuid:study_id>/reopen/", reviews.Reopen.as_view(), name="api_reopen"),
    path("studies/<uuid:study_id>/void/", reviews.Void.as_view(), name="api_void"),
    path("studies/<uuid:study_id>/restore/", reviews.Restore.as_view(), name="api_restore"),
    path("studies/<uuid:study_id>/problems/", reviews.Problems.as_view(), name="api_problem"),
    path("problems/<uuid:problem_id>/settle/", reviews.Settle.as_view(), name="api_settle"),
    # --- Where images belong ---
    path("studies/<uuid:study_id>/move/", rearranging.Move.as_view(), name="api_move"),
    path("studies/<uuid:study_id>/split/", rearranging.Split.as_view(), name="api_split"),
    path("studies/<uuid:study_id>/merge/", rearranging.Merge.as_view(), name="api_merge"),
    path("discrepancies/<uuid:discrepancy_id>/answer/", rearranging.Answer.as_view(), name="api_answer"),
    path("notices/", rearranging.Notices.as_view(), name="api_notices"),
    path("notices/<uuid:notice_id>/seen/", rearranging.NoticeSeen.as_view(), name="api_notice_seen"),
    # --- What follows from readings ---
    path("critical/", outcomes.Critical.as_view(), name="api_critical"),
    path("critical/<uuid:finding_id>/communications/", outcomes.Communicate.as_view(), name="api_communicate"),
    path("critical/<uuid:finding_id>/acknowledgement/", outcomes.Acknowledge.as_view(), name="api_acknowledge"),
    path("divergences/", outcomes.Divergences.as_view(), name="api_divergences"),
    path(
        "divergences/<uuid:divergence_id>/looked-at/",
        outcomes.LookAtDivergence.as_view(),
        name="api_look_at_divergence",
    ),
    path("agreement/", outcomes.Agreement.as_view(), name="api_agreement"),
    # --- Datasets ---
    path("datasets/", datasets.Datasets.as_view(), name="api_datasets"),
    path("datasets/preview/", datasets.DatasetPreview.as_view(), name="api_dataset_preview"),
    path("datasets/<uuid:dataset_id>/", datasets.DatasetDetail.as_view(), name="api_dataset"),
    path("datasets/<uuid:dataset_id>/<slug:file_format>/", datasets.DatasetFile.as_view(), name="api_export_dataset"),
    # --- Intake ---
    path("uploads/", intake.Uploads.as_view(), name="api_uploads"),
    path("uploads/resumable/", resumable.ResumableUploads.as_view(), name="api_resumable_uploads"),
    path(
        "uploads/resumable/<uuid:upload_id>/",
        resumable.ResumableUploadDetail.as_view(),
        name="api_resumable_upload",
    ),
    path("uploads/batches/<uuid:batch_id>/", intake.BatchDetail.as_view(), name="api_batch"),
    path("uploads/batches/<uuid:batch_id>/known/", intake.BatchKnown.as_view(), name="api_batch_known"),
    path("uploads/<uuid:file_id>/", intake.UploadDetail.as_view(), name="api_upload"),
    # --- What is held ---
    path("held/", holding.Held.as_view(), name="api_held"),
    path("held/<uuid:file_id>/release/", holding.Release.as_view(), name="api_release_held"),
    path("held/<uuid:file_id>/link/", holding.Link.as_view(), name="api_link_held"),
    path("held/<uuid:file_id>/refuse/", holding.Refuse.as_view(), name="api_refuse_held"),
]
