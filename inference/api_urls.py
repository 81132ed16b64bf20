"""The interface of models and jobs for programs."""

from django.urls import path

from inference import api

urlpatterns = [
    path("models/", api.Models.as_view(), name="api-models"),
    path("models/<uuid:model_version_id>/", api.Model.as_view(), name="api-model"),
    path("models/roll-back/", api.RollBack.as_view(), name="api-models-roll-back"),
    path("models/<uuid:model_version_id>/beside/<uuid:other_id>/", api.Beside.as_view(), name="api-model-beside"),
    path("models/<uuid:model_version_id>/gates/", api.Gates.as_view(), name="api-model-gates"),
    path("models/<uuid:model_version_id>/shadow/", api.Shadow.as_view(), name="api-model-shadow"),
    path("models/<uuid:model_version_id>/end-shadow/", api.ShadowEnd.as_view(), name="api-model-end-shadow"),
    path("models/<uuid:model_version_id>/reject/", api.Rejection.as_view(), name="api-model-reject"),
    path("models/<uuid:model_version_id>/promote/", api.Promotion.as_view(), name="api-model-promote"),
    path("models/<uuid:model_version_id>/retire/", api.Retirement.as_view(), name="api-model-retire"),
    path("jobs/", api.Jobs.as_view(), name="api-jobs"),
    path("jobs/<uuid:job_id>/", api.Job.as_view(), name="api-job"),
    path("jobs/<uuid:job_id>/retry/", api.Retry.as_view(), name="api-job-retry"),
]
