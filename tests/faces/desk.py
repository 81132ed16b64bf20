"""What the tests of the reading page share: somebody signed in, a form as the page sends it, a study that is held."""

from __future__ import annotations

import json
import re

from django.test import Client
from django.urls import reverse

from studies import worklist
from tests import factories_studies as make

IN_PLACE = {"X-In-Place": "1"}


def as_(user) -> Client:
    client = Client()
    client.force_login(user, backend="bonefrac.accounts.backends.PlatformBackend")
    return client


def url(name, *keys):
    return reverse(f"studies:{name}", args=keys)


def form(study, verdict="fracture", **values):
    study.refresh_from_db()
    return {"verdict": verdict, "revision": study.revision, "findings": "[]", "shown": make.shown(study)} | values


def data_of(response):
    text = re.search(r'<script id="reading-data" type="application/json">(.*?)</script>', response.text, re.S).group(1)
    return json.loads(text)


def held(*, images=1, **values):
    site = make.site(**values)
    study, reader = make.study(site, images=images), make.reader(site)
    worklist.claim(reader, study.pk)
    return study, reader, as_(reader)
