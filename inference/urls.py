"""Pages of models and jobs."""

from django.urls import path

from inference.views import jobs, models, service

app_name = "inference"
urlpatterns = [
    path("", models.models, name="models"),
    path("jobs/", jobs.failed_jobs, name="jobs"),
    path("jobs/<uuid:job_id>/retry/", jobs.retry, name="retry"),
    path("gates/<uuid:gate_verdict_id>/", service.gate_verdict, name="gate_verdict"),
    path("roll-back/<str:task>/", service.roll_back, name="roll_back"),
    path("<uuid:model_version_id>/", models.model, name="model"),
    path("<uuid:model_version_id>/report/", models.report, name="report"),
    path("<uuid:model_version_id>/beside/<uuid:other_id>/", models.compare, name="compare"),
    path("<uuid:model_version_id>/shadow/", models.shadow, name="shadow"),
    path("<uuid:model_version_id>/gate/", service.gate, name="gate"),
    path("<uuid:model_version_id>/promote/", service.promote, name="promote"),
    path("<uuid:model_version_id>/retire/", service.retire, name="retire"),
    path("<uuid:model_version_id>/start-shadow/", service.start_shadow, name="start_shadow"),
    path("<uuid:model_version_id>/end-shadow/", service.end_shadow, name="end_shadow"),
    path("<uuid:model_version_id>/reject/", service.reject, name="reject"),
]
