"""Pages of models and jobs."""

from django.urls import URLPattern

app_name = "inference"
urlpatterns: list[URLPattern] = []
