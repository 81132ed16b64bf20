"""The API's addresses about people, sites, roles and the audit record."""

from django.urls import path

from bonefrac.accounts import api
from bonefrac.audit.api import AuditEvents

urlpatterns = [
    path("me/", api.Me.as_view(), name="api_me"),
    path("sites/", api.Sites.as_view(), name="api_sites"),
    path("people/", api.People.as_view(), name="api_people"),
    path("people/<uuid:person_id>/deactivate/", api.Deactivation.as_view(), name="api_deactivate"),
    path("people/<uuid:person_id>/reactivate/", api.Reactivation.as_view(), name="api_reactivate"),
    path("people/<uuid:person_id>/reset-password/", api.PasswordReset.as_view(), name="api_reset_password"),
    path("memberships/", api.Memberships.as_view(), name="api_memberships"),
    path("memberships/<uuid:membership_id>/revoke/", api.Revocation.as_view(), name="api_revoke"),
    path("audit-events/", AuditEvents.as_view(), name="api_audit_events"),
]
