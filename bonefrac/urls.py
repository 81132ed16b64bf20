"""Every address of the platform. A test fails when one exists that the permission matrix does not mention."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from bonefrac import health
from bonefrac.waiting import waiting

urlpatterns = [
    path("healthz", health.live, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("waiting/", waiting, name="waiting"),
    path("accounts/", include("bonefrac.accounts.urls")),
    path("audit/", include("bonefrac.audit.urls")),
    path("models/", include("inference.urls")),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("api/v1/", include("bonefrac.accounts.api_urls")),
    path("api/v1/", include("inference.api_urls")),
    path("api/v1/", include("studies.api_urls")),
    path("dicomweb/", include("studies.dicomweb.urls")),
    # One door, where every sign-in is recorded.
    path(
        "admin/login/", RedirectView.as_view(pattern_name="accounts:sign_in", query_string=True), name="admin_sign_in"
    ),
    path("admin/", admin.site.urls),
    path("", include("studies.urls")),
]

handler400 = "bonefrac.pages.bad_request"
handler403 = "bonefrac.pages.forbidden"
handler404 = "bonefrac.pages.not_found"
handler500 = "bonefrac.pages.server_error"
