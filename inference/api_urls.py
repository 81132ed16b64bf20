"""The interface of models and jobs for programs."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
