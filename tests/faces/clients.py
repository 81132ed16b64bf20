"""Browsers and programs, signed in as somebody."""

from __future__ import annotations

from django.test import Client
from rest_framework.test import APIClient


def page_client(person=None) -> Client:
    """A browser, signed in where a person is named."""
    client = Client()
    if person is not None:
        client.force_login(person, backend="bonefrac.accounts.backends.PlatformBackend")
    return client


def api_client(person=None) -> APIClient:
    """A program, with a token of a person where one is named."""
    client = APIClient()
    if person is not None:
        client.force_authenticate(person)
    return client
