"""People, sites and roles for programs: the same verbs as the pages."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bonefrac.accounts import access, policies, selectors
from bonefrac.accounts import people as verbs
from bonefrac.accounts.links import OneTimeLink
from bonefrac.accounts.models import IdentityPolicy, Membership, ReadingMode, Role, Site, User
from bonefrac.accounts.people import SiteTerms
from bonefrac.accounts.requests import signed_in
from bonefrac.accounts.roles import is_engineer

CURSOR = OpenApiParameter("cursor", str)


class SiteSerializer(serializers.ModelSerializer[Site]):
    """How a site works."""

    class Meta:
        model = Site
        fields = [
            "id", "name", "reading_mode", "readings_required", "wait_ceiling_minutes", "time_zone",
            "identity_policy", "originals_days", "readers_see_held", "triage", "triage_off_because", "uploaders_see_ai",
            "critical_minutes",
        ]  # fmt: skip
        read_only_fields = fields


class OwnSiteSerializer(serializers.Serializer[Site]):
    """A site and the roles that the person holds there."""

    site = SiteSerializer()
    roles = serializers.ListField(child=serializers.ChoiceField(choices=Role.choices))


class MeSerializer(serializers.Serializer[User]):
    """Who is asking."""

    id = serializers.UUIDField()
    username = serializers.CharField()
    display_name = serializers.CharField()
    is_engineer = serializers.BooleanField()
    sites = OwnSiteSerializer(many=True)


class OwnSitesSerializer(serializers.Serializer[Site]):
    """The person's sites; they are few."""

    results = OwnSiteSerializer(many=True)


class NewSiteSerializer(serializers.Serializer[Site]):
    """A site to make; the reading mode has no default."""

    name = serializers.CharField(max_length=120)
    reading_mode = serializers.ChoiceField(choices=ReadingMode.choices)
    readings_required = serializers.IntegerField(min_value=1, max_value=3, default=1)
    wait_ceiling_minutes = serializers.IntegerField(min_value=5, max_value=43_200, default=120)
    identity_policy = serializers.ChoiceField(choices=IdentityPolicy.choices, default=IdentityPolicy.PSEUDONYMOUS)
    originals_days = serializers.IntegerField(min_value=0, max_value=365, default=30)
    readers_see_held = serializers.BooleanField(default=False)
    triage = serializers.BooleanField(default=True)
    uploaders_see_ai = serializers.BooleanField(default=False)
    critical_minutes = serializers.IntegerField(min_value=1, max_value=10_080, default=60)
    time_zone = serializers.CharField(max_length=64, default="UTC")


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    """One role of one person at one site."""

    username = serializers.CharField(source="user.username", read_only=True)

    class Meta:
        model = Membership
        fields = ["id", "user", "username", "site", "role", "granted_at"]
        read_only_fields = fields


class MembershipPageSerializer(serializers.Serializer[Membership]):
    """A page of memberships."""

    next = serializers.CharField(allow_blank=True)
    results = MembershipSerializer(many=True)


class PersonSerializer(serializers.Serializer[User]):
    """A person, with the roles at the sites of whoever asks."""

    id = serializers.UUIDField(source="person.id")
    username = serializers.CharField(source="person.username")
    display_name = serializers.CharField(source="person.display_name")
    is_active = serializers.BooleanField(source="person.is_active")
    is_invited = serializers.BooleanField()
    memberships = MembershipSerializer(many=True)


class PersonPageSerializer(serializers.Serializer[User]):
    """A page of people."""

    next = serializers.CharField(allow_blank=True)
    results = PersonSerializer(many=True)


class InvitationSerializer(serializers.Serializer[User]):
    """Somebody new with roles at one site."""

    site = serializers.UUIDField()
    username = serializers.CharField(max_length=150)
    display_name = serializers.CharField(max_length=120)
    email = serializers.EmailField(required=False, default="", allow_blank=True)
    roles = serializers.ListField(child=serializers.ChoiceField(choices=Role.choices), allow_empty=False)


class GrantSerializer(serializers.Serializer[Membership]):
    """One role for the person with exactly this username."""

    site = serializers.UUIDField()
    username = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(choices=Role.choices)


class LinkSerializer(serializers.Serializer[User]):
    """A one-time link, shown this once."""

    person = serializers.UUIDField()
    link = serializers.CharField()


def _own_sites(actor: User) -> list[dict[str, object]]:
    return [{"site": SiteSerializer(site).data, "roles": list(roles)} for site, roles in selectors.sites_of(actor)]


def _shown(request: Request, link: OneTimeLink, *, status: int = 200) -> Response:
    address = request.build_absolute_uri(link.path)
    return Response({"person": link.person.pk, "link": address}, status=status, headers={"Cache-Control": "no-store"})


class Me(APIView):
    """Who is asking."""

    @extend_schema(operation_id="me", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Return the person behind the token or session, with sites and roles."""
        actor = signed_in(request)
        who = {"id": actor.pk, "username": actor.username, "display_name": actor.display_name}
        return Response({**who, "is_engineer": is_engineer(actor), "sites": _own_sites(actor)})


class Sites(APIView):
    """The person's sites."""

    @extend_schema(operation_id="sites_list", responses=OwnSitesSerializer)
    def get(self, request: Request) -> Response:
        """List the sites at which the person holds a role, with the roles."""
        return Response({"results": _own_sites(signed_in(request))})

    @extend_schema(operation_id="sites_make", request=NewSiteSerializer, responses={201: SiteSerializer})
    def post(self, request: Request) -> Response:
        """Make a site; the person becomes its administrator."""
        actor = signed_in(request)
        policies.require_admin_anywhere(actor)
        asked = NewSiteSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(
            SiteSerializer(verbs.make_site(actor, terms=SiteTerms(**asked.validated_data))).data, status=201
        )


class People(APIView):
    """The people of the sites that the person administers."""

    @extend_schema(operation_id="people_list", parameters=[CURSOR], responses=PersonPageSerializer)
    def get(self, request: Request) -> Response:
        """List people, newest first; ``next`` is the cursor of the next page."""
        actor = signed_in(request)
        policies.require_admin_anywhere(actor)
        page = selectors.people_page(actor, cursor=request.query_params.get("cursor", ""))
        rows = PersonSerializer(selectors.rows_of(actor, page.rows), many=True)  # type: ignore[arg-type]
        return Response({"next": page.next_cursor, "results": rows.data})

    @extend_schema(operation_id="people_invite", request=InvitationSerializer, responses={201: LinkSerializer})
    def post(self, request: Request) -> Response:
        """Invite somebody; the one-time link is in this answer only."""
        actor = signed_in(request)
        policies.require_admin_anywhere(actor)
        asked = InvitationSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        site = access.site(actor, asked.validated_data.pop("site"))
        return _shown(request, verbs.invite(actor, site=site, **asked.validated_data), status=201)


class Deactivation(APIView):
    """Shutting an account."""

    @extend_schema(operation_id="people_deactivate", request=None, responses={204: None})
    def post(self, request: Request, person_id: uuid.UUID) -> Response:
        """End every session and token of a person, for ever."""
        actor = signed_in(request)
        verbs.deactivate(actor, person=access.person(actor, person_id))
        return Response(status=204)


class Reactivation(APIView):
    """Opening an account again."""

    @extend_schema(operation_id="people_reactivate", request=None, responses=LinkSerializer)
    def post(self, request: Request, person_id: uuid.UUID) -> Response:
        """Open an account again; the link for a new password is in this answer only."""
        actor = signed_in(request)
        return _shown(request, verbs.reactivate(actor, person=access.person(actor, person_id)))


class PasswordReset(APIView):
    """A new password for somebody."""

    @extend_schema(operation_id="people_reset_password", request=None, responses=LinkSerializer)
    def post(self, request: Request, person_id: uuid.UUID) -> Response:
        """Return a one-time link by which the person sets a new password."""
        actor = signed_in(request)
        return _shown(request, verbs.issue_password_reset(actor, person=access.person(actor, person_id)))


class Memberships(APIView):
    """Roles at the sites that the person administers."""

    @extend_schema(operation_id="memberships_list", parameters=[CURSOR], responses=MembershipPageSerializer)
    def get(self, request: Request) -> Response:
        """List memberships, newest first; ``next`` is the cursor of the next page."""
        actor = signed_in(request)
        policies.require_admin_anywhere(actor)
        page = selectors.memberships_page(actor, cursor=request.query_params.get("cursor", ""))
        return Response({"next": page.next_cursor, "results": MembershipSerializer(page.rows, many=True).data})

    @extend_schema(operation_id="memberships_grant", request=GrantSerializer, responses={201: MembershipSerializer})
    def post(self, request: Request) -> Response:
        """Give a role to the person with exactly this username."""
        actor = signed_in(request)
        policies.require_admin_anywhere(actor)
        asked = GrantSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        site = access.site(actor, asked.validated_data.pop("site"))
        made = verbs.grant_by_username(actor, site=site, **asked.validated_data)
        return Response(MembershipSerializer(made).data, status=201)


class Revocation(APIView):
    """Taking a role back."""

    @extend_schema(operation_id="memberships_revoke", request=None, responses={204: None})
    def post(self, request: Request, membership_id: uuid.UUID) -> Response:
        """Take a role from a person."""
        actor = signed_in(request)
        held = access.membership(actor, membership_id)
        verbs.revoke(actor, person=held.user, site=held.site, role=Role(held.role))
        return Response(status=204)
