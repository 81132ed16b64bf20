"""The app's place in Django."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, sites, memberships."""

    name = "bonefrac.accounts"
    label = "accounts"
    verbose_name = "Accounts"
