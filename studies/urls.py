"""Addresses of people's side."""

from django.urls import path

from studies.views import (
    agreement,
    confidentiality,
    critical,
    datasets,
    devices,
    divergences,
    drafts,
    history,
    holding,
    intake,
    keys,
    notices,
    pictures,
    pixels,
    reading,
    rearranging,
    shadows,
    worklist,
)

app_name = "studies"

urlpatterns = [
    # --- Worklist ---
    path("", worklist.worklist, name="worklist"),
    path("sites/<uuid:site_id>/next/", worklist.take_next, name="next"),
    path("studies/<uuid:study_id>/claim/", worklist.claim, name="claim"),
    path("studies/<uuid:study_id>/extend/", worklist.extend, name="extend"),
    path("studies/<uuid:study_id>/hand-back/", worklist.hand_back, name="hand_back"),
    # --- Reading ---
    path("studies/<uuid:study_id>/read/", reading.read, name="read"),
    path("studies/<uuid:study_id>/sign/", reading.sign, name="sign"),
    path("studies/<uuid:study_id>/adjudicate/", reading.adjudicate, name="adjudicate"),
    path("studies/<uuid:study_id>/machine/", reading.machine, name="machine"),
    path("studies/<uuid:study_id>/news/", reading.news, name="news"),
    path("studies/<uuid:study_id>/look-again/", reading.look_again, name="look_again"),
    path("studies/<uuid:study_id>/draft/", drafts.keep, name="draft"),
    path("studies/<uuid:study_id>/draft/discard/", drafts.discard, name="discard_draft"),
    path("studies/<uuid:study_id>/report-sentence/", drafts.sentence, name="report_sentence"),
    path("reviews/<uuid:review_id>/amend/", reading.amend, name="amend"),
    path("reviews/<uuid:review_id>/undo/", reading.undo, name="undo"),
    path("keys/", keys.keys, name="keys"),
    # --- A study ---
    path("studies/<uuid:study_id>/", history.study, name="study"),
    path("studies/<uuid:study_id>/identity/", confidentiality.identity, name="identity"),
    path("studies/<uuid:study_id>/reopen/", history.reopen, name="reopen"),
    path("studies/<uuid:study_id>/void/", history.void, name="void"),
    path("studies/<uuid:study_id>/restore/", history.restore, name="restore"),
    path("studies/<uuid:study_id>/problem/", history.problem, name="problem"),
    path("problems/<uuid:problem_id>/settle/", history.settle, name="settle"),
    path("discrepancies/<uuid:discrepancy_id>/answer/", history.answer, name="answer"),
    path("studies/<uuid:study_id>/rearrange/", rearranging.rearrange, name="rearrange"),
    path("studies/<uuid:study_id>/move/", rearranging.move, name="move"),
    path("studies/<uuid:study_id>/split/", rearranging.split, name="split"),
    path("studies/<uuid:study_id>/merge/", rearranging.merge, name="merge"),
    # --- Notices ---
    path("notices/", notices.notices, name="notices"),
    path("notices/seen/", notices.all_seen, name="all_seen"),
    path("notices/<uuid:notice_id>/seen/", notices.seen, name="notice_seen"),
    # --- What follows from readings ---
    path("critical/", critical.critical, name="critical"),
    path("critical/<uuid:finding_id>/told/", critical.communicate, name="communicate"),
    path("critical/<uuid:finding_id>/acknowledge/", critical.acknowledge, name="acknowledge"),
    path("divergences/", divergences.divergences, name="divergences"),
    path("divergences/<uuid:divergence_id>/", divergences.divergence, name="divergence"),
    path("divergences/<uuid:divergence_id>/looked-at/", divergences.look_at, name="look_at_divergence"),
    path("agreement/", agreement.agreement, name="agreement"),
    path("agreement/csv/", agreement.agreement_file, name="agreement_file"),
    # --- Pixels ---
    path("studies/<uuid:study_id>/images/<uuid:image_id>/instance/", pixels.instance, name="instance"),
    path("studies/<uuid:study_id>/images/<uuid:image_id>/preview/", pixels.preview, name="preview"),
    path("studies/<uuid:study_id>/priors/<uuid:prior_id>/", pictures.prior, name="prior"),
    path("studies/<uuid:study_id>/images/<uuid:image_id>/map/", reading.heat_map, name="map"),
    # --- Datasets ---
    path("datasets/", datasets.datasets, name="datasets"),
    path("datasets/freeze/", datasets.freeze, name="freeze"),
    path("datasets/<uuid:dataset_id>/", datasets.dataset, name="dataset"),
    path("datasets/<uuid:dataset_id>/<slug:file_format>/", datasets.export, name="export_dataset"),
    # --- Models against labels ---
    path("shadows/<uuid:model_version_id>/labels/", shadows.labels, name="shadow_labels"),
    # --- Intake ---
    path("upload/", intake.upload, name="upload"),
    path("uploads/", intake.uploads, name="uploads"),
    path("uploads/status/", intake.upload_status, name="upload_status"),
    path("uploads/<uuid:file_id>/original/", intake.original, name="original"),
    path("uploads/batches/<uuid:batch_id>/", intake.batch, name="batch"),
    path("uploads/batches/<uuid:batch_id>/verdicts/<slug:file_format>/", intake.verdicts, name="verdicts"),
    path("held/", intake.held, name="held"),
    path("held/<uuid:file_id>/", holding.held_file, name="held_file"),
    path("held/<uuid:file_id>/preview/", holding.held_preview, name="held_preview"),
    path("held/<uuid:file_id>/link/", holding.link_held, name="link_held"),
    path("held/<uuid:file_id>/text/", confidentiality.held_text, name="held_text"),
    path("held/<uuid:file_id>/picture/", confidentiality.held_picture, name="held_picture"),
    path("held/<uuid:file_id>/take-on/", confidentiality.take_on, name="take_on"),
    path("held/<uuid:file_id>/clear/", confidentiality.clear_text, name="clear_text"),
    path("held/<uuid:file_id>/mask/", confidentiality.mask_text, name="mask_text"),
    path("held/<uuid:file_id>/release/", intake.release, name="release"),
    path("held/<uuid:file_id>/refuse/", intake.refuse, name="refuse"),
    # --- Devices of the DICOM network ---
    path("devices/", devices.devices, name="devices"),
    path("devices/<uuid:device_id>/deactivate/", devices.deactivate, name="deactivate_device"),
    path("devices/<uuid:device_id>/reactivate/", devices.reactivate, name="reactivate_device"),
]
