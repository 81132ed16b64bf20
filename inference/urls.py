"""Pages of models and jobs."""

from django.urls import path

from inference import views

app_name = "inference"
urlpatterns = [
    path("", views.models, name="models"),
    path("jobs/", views.failed_jobs, name="jobs"),
    path("jobs/<uuid:job_id>/retry/", views.retry, name="retry"),
    path("<uuid:model_version_id>/", views.model, name="model"),
    path("<uuid:model_version_id>/report/", views.report, name="report"),
    path("<uuid:model_version_id>/promote/", views.promote, name="promote"),
    path("<uuid:model_version_id>/retire/", views.retire, name="retire"),
]
