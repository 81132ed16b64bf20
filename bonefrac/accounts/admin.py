"""People, sites and roles in Django's admin pages: to be looked at; the platform's own pages change and record."""

from django.contrib import admin

from bonefrac.accounts.models import Membership, Site, User
from bonefrac.admin import ReadOnlyAdmin


@admin.register(User)
class UserAdmin(ReadOnlyAdmin[User]):
    """People without their password hashes."""

    list_display = ("username", "display_name", "is_active", "is_engineer", "is_demo", "last_login")
    search_fields = ("username",)
    exclude = ("password", "groups", "user_permissions")


@admin.register(Site)
class SiteAdmin(ReadOnlyAdmin[Site]):
    """Sites."""

    list_display = ("name", "reading_mode", "readings_required", "time_zone")


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin[Membership]):
    """Roles at sites."""

    list_display = ("user", "site", "role", "granted_at")
    list_select_related = ("user", "site")
