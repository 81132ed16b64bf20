"""The address of the audit page."""

from django.urls import path

from bonefrac.audit import views

app_name = "audit"
urlpatterns = [path("", views.events, name="events")]
