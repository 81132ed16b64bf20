"""Clients whose middleware is loaded once: WhiteNoise looks through every static file each time that it is loaded."""

from __future__ import annotations

import functools

from django.test import Client
from django.test.client import ClientHandler
from rest_framework.test import APIClient


@functools.cache
def _handler() -> ClientHandler:
    handler = ClientHandler()
    handler.load_middleware()
    return handler


def quick(client):
    """Give a client the middleware of all the others; it has sessions, cookies and a person of its own."""
    client.handler._middleware_chain = _handler()._middleware_chain
    return client


def page_client(person=None) -> Client:
    """A browser, signed in where a person is named."""
    client = quick(Client())
    if person is not None:
        client.force_login(person, backend="bonefrac.accounts.backends.PlatformBackend")
    return client


def api_client(person=None) -> APIClient:
    """A program, with a token of a person where one is named."""
    client = quick(APIClient())
    if person is not None:
        client.force_authenticate(person)
    return client
