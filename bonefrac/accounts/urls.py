"""The addresses of the pages about people, sites and sessions."""

from django.urls import path

from bonefrac.accounts.views import people, session, sites, tokens

app_name = "accounts"
urlpatterns = [
    path("sign-in/", session.sign_in, name="sign_in"),
    path("sign-out/", session.sign_out, name="sign_out"),
    path("unlock/", session.unlock, name="unlock"),
    path("set-password/", session.set_password, name="set_password"),
    path("password/", session.change_password, name="change_password"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<uuid:token_id>/revoke/", tokens.revoke_token, name="revoke_token"),
    path("people/", people.people, name="people"),
    path("people/invite/", people.invite, name="invite"),
    path("people/grant/", people.grant_by_username, name="grant_by_username"),
    path("people/<uuid:person_id>/", people.person, name="person"),
    path("people/<uuid:person_id>/grant/", people.grant, name="grant"),
    path("people/<uuid:person_id>/appoint-engineer/", people.appoint_engineer, name="appoint_engineer"),
    path("people/<uuid:person_id>/dismiss-engineer/", people.dismiss_engineer, name="dismiss_engineer"),
    path("people/<uuid:person_id>/deactivate/", people.deactivate, name="deactivate"),
    path("people/<uuid:person_id>/reactivate/", people.reactivate, name="reactivate"),
    path("people/<uuid:person_id>/reset-password/", people.reset_password, name="reset_password"),
    path("memberships/<uuid:membership_id>/revoke/", people.revoke, name="revoke"),
    path("sites/", sites.sites, name="sites"),
    path("sites/new/", sites.new_site, name="new_site"),
    path("sites/<uuid:site_id>/", sites.site, name="site"),
]
