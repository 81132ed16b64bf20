"""Django's own lists show evidence without counting it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bonefrac.accounts.models import User
from tests import factories_studies as make


@pytest.mark.parametrize("name", ["studies_study", "studies_review", "audit_auditevent", "inference_prediction"])
def test_an_admin_list_counts_no_table(client, db, name):
    make.signed(make.reader(site := make.site()), make.study(site), "no_fracture")
    owner = User.objects.create_superuser("owner", password="correct-horse-battery", display_name="Owner")
    client.force_login(owner, backend="bonefrac.accounts.backends.PlatformBackend")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = client.get(reverse(f"admin:{name}_changelist"))
    assert answer.status_code == 200
    assert [query["sql"] for query in queries if "COUNT(" in query["sql"].upper()] == []
