"""QIDO-RS: the standard's keys find what they name, of what the person may see, and the record says who saw what."""

from __future__ import annotations

import itertools

import pytest
from rest_framework.test import APIClient

from bonefrac.accounts.models import Role
from bonefrac.audit.models import AuditEvent
from studies.dicom import compose
from studies.dicomweb import keys
from studies.dicomweb.elements import tag
from studies.models import Study
from tests import factories_intake as files
from tests import factories_studies as make

WORDS = (
    {"PatientID": "A", "Modality": "CR", "BodyPartExamined": "HAND", "PatientSex": "F"},
    {"PatientID": "B", "Modality": "DX", "BodyPartExamined": "KNEE", "SOPClassUID": compose.DIGITAL_X_RAY},
)


@pytest.fixture
def client(reader):
    made = APIClient()
    made.force_authenticate(reader)
    return made


@pytest.fixture
def hands(uploader, site):
    """Two studies: a hand of two images, and a knee."""
    first, second, knee = files.dataset(**WORDS[0]), files.dataset(**WORDS[0]), files.dataset(**WORDS[1])
    second.StudyInstanceUID = first.StudyInstanceUID
    found = files.hand_in(uploader, site, *map(files.dicom, (first, second, knee)))
    hand, knee = found[0].study, found[2].study
    Study.objects.filter(pk=hand.pk).update(accession="ACC-1")
    hand.refresh_from_db()
    return hand, knee


def asked(client, path, **parameters):
    answer = client.get(f"/dicomweb/{path}", parameters)
    assert answer.status_code == 200, answer.content
    return answer.json()


def values(rows, keyword):
    return [row[tag(keyword)].get("Value", [None])[0] for row in rows]


def test_keys_find_what_they_name(client, hands):
    hand, _knee = hands
    patient = compose.pseudonym(hand)
    of_hand = {
        "PatientID": patient, "00100020": patient, "PatientName": patient, "StudyInstanceUID": hand.study_uid,
        "AccessionNumber": "ACC*", "0020000D": f"{hand.study_uid},1.2.3", "ModalitiesInStudy": "CR",
        "BodyPartExamined": "HAND", "PatientSex": "F", "Modality": "C?",
        "SeriesInstanceUID": compose.series_uid(hand.study_uid, "1.2.840.10008.5.1.4.1.1.1"),
        "SOPInstanceUID": hand.images.first().sop_instance_uid,
    }  # fmt: skip
    for key, value in of_hand.items():
        assert values(asked(client, "studies", **{key: value}), "StudyInstanceUID") == [hand.study_uid], key
        found = values(asked(client, "instances", **{key: value}), "StudyInstanceUID")
        assert set(found) == {hand.study_uid}, key
    bare = patient.removeprefix("P-")
    for pattern in (f"*{bare}*", f"*{patient}", f"?-{bare}", f"P-{bare[:4]}*{bare[6:]}", f"*{bare[3:8].upper()}*"):
        assert values(asked(client, "studies", PatientID=pattern), "StudyInstanceUID") == [hand.study_uid], pattern
        assert len(asked(client, "instances", PatientName=pattern)) == 2, pattern
    for key, value in (
        ("PatientID", "P-0"),
        ("PatientID", "*Z*"),
        ("PatientID", "A"),
        ("AccessionNumber", "ACC"),
        ("StudyDate", "19000101-"),
    ):
        assert asked(client, "studies", **{key: value}) == [], key
    assert len(asked(client, "studies", PatientName="*", ModalitiesInStudy="")) == 2
    assert len(asked(client, "studies/", PatientID="P-*")) == 2
    assert values(asked(client, "studies", StudyDate="-19000101", PatientID=patient), "PatientID") == []


def test_dates_match_as_spans(client, hands):
    hand, _knee = hands
    for image in hand.images.all():
        image.header["00080020"] = {"vr": "DA", "Value": ["20260115"]}
        image.save(update_fields=["header"])
    for span in ("20260115", "20260101-20260131", "20260101-", "-20260131"):
        assert values(asked(client, "studies", StudyDate=span), "StudyDate") == ["20260115"], span
    for span in ("20260116", "20260116-20260131", "-20260114"):
        assert asked(client, "studies", StudyDate=span) == [], span


def test_rows_hold_what_the_standard_requires(client, hands):
    hand, _knee = hands
    study = asked(client, "studies", StudyInstanceUID=hand.study_uid)[0]
    assert study[tag("NumberOfStudyRelatedInstances")] == {"vr": "IS", "Value": [2]}
    assert study[tag("PatientName")] == {"vr": "PN", "Value": [{"Alphabetic": compose.pseudonym(hand)}]}
    for keyword in (
        "StudyDate", "StudyTime", "AccessionNumber", "ModalitiesInStudy", "ReferringPhysicianName", "StudyID",
        "PatientBirthDate", "PatientSex", "RetrieveURL", "NumberOfStudyRelatedSeries",
    ):  # fmt: skip
        assert tag(keyword) in study, keyword
    (series,) = asked(client, f"studies/{hand.study_uid}/series")
    assert (values([series], "Modality"), values([series], "NumberOfSeriesRelatedInstances")) == (["CR"], [2])
    address = series[tag("RetrieveURL")]["Value"][0].removeprefix("http://testserver/dicomweb/")
    instances = asked(client, f"{address}/instances/", includefield="BodyPartExamined,PatientID")
    assert values(instances, "InstanceNumber") == [1, 2]
    assert values(instances, "Rows") == [files.ROWS] * 2
    assert values(instances, "BodyPartExamined") == ["HAND"] * 2
    assert values(instances, "PatientID") == [compose.pseudonym(hand)] * 2
    bare, whole = asked(client, "instances")[0], asked(client, "instances", includefield="all")[0]
    assert tag("PatientID") not in bare
    assert set(bare) < set(whole)


def test_pages_follow_each_other(client, uploader, site):
    made = [make.study(site, uploader=uploader, waited=minutes).study_uid for minutes in range(7)]
    pages = [values(asked(client, "studies", limit=3, offset=offset), "StudyInstanceUID") for offset in (0, 3, 6, 9)]
    assert [len(page) for page in pages] == [3, 3, 1, 0]
    assert list(itertools.chain(*pages)) == made
    series = [values(asked(client, "series", limit=4, offset=offset), "StudyInstanceUID") for offset in (0, 4)]
    assert list(itertools.chain(*series)) == made[::-1]
    assert asked(client, "studies", limit=0) == []


def test_an_answer_that_is_cut_says_so(client, hands, monkeypatch):
    monkeypatch.setattr(keys, "MOST_ROWS", 1)
    for query, is_said in (("", True), ("?limit=5", True), ("?limit=1", False), ("?offset=1", False)):
        answer = client.get(f"/dicomweb/studies{query}")
        assert (len(answer.json()), "additional" in answer.get("Warning", "")) == (1, is_said), query


def test_a_viewers_search_finds_by_parts_of_words(client, hands):
    """The keys with which OHIF lists studies."""
    hand, _knee = hands
    named = f"*{compose.pseudonym(hand)[:8]}*"
    found = asked(
        client, "studies", PatientName=named, **{"00100020": named}, AccessionNumber="*ACC*", limit=101, offset=0,
        ModalitiesInStudy="CR", fuzzymatching="false", includefield="00081030,00080060", StudyDescription="",
    )  # fmt: skip
    assert values(found, "StudyInstanceUID") == [hand.study_uid]
    assert len(asked(client, "studies", ModalitiesInStudy=["CR", "DX"])) == 2
    assert len(asked(client, "studies", ModalitiesInStudy="DX\\CR")) == 2
    assert len(asked(client, "series", Modality="DX,CR")) == 2


@pytest.mark.parametrize("query", ["Nonsense=1", "00000000=1", "limit=-1", "offset=x", "offset=9999999", "PixelData=1"])
def test_what_makes_no_sense_is_refused(client, query):
    answer = client.get(f"/dicomweb/studies?{query}")
    assert (answer.status_code, set(answer.json())) == (400, {"code", "message", "fields"})


def test_answers_are_json_or_nothing(client, hands):
    assert client.get("/dicomweb/studies", headers={"Accept": "application/dicom+xml"}).status_code == 406
    assert client.get("/dicomweb/studies", headers={"Accept": "application/json"})["Content-Type"] == "application/json"
    assert "fuzzymatching" in client.get("/dicomweb/studies?fuzzymatching=true")["Warning"]
    included = client.get("/dicomweb/instances?includefield=00091001,Modality&includefield=BodyPartExamined")
    assert "00091001" in included["Warning"]
    assert values(included.json(), "BodyPartExamined") == ["KNEE", "HAND", "HAND"]
    assert values(included.json(), "Modality") == ["DX", "CR", "CR"]
    assert client.get("/dicomweb/studies/1.2.3/series").status_code == 404


def test_each_sees_their_own_and_the_record_says_what(client, reader, hands, uploader, site):
    elsewhere = make.study(make.site())
    assert len(asked(client, "studies")) == 2
    shown = AuditEvent.objects.filter(actor=reader, verb="list_shown").latest("occurred_at")
    assert set(shown.data["studies"]) == {str(study.pk) for study in hands}
    assert shown.site == site
    other = APIClient()
    other.force_authenticate(make.person(site, Role.UPLOADER))
    assert [asked(other, part) for part in ("studies", "series", "instances")] == [[], [], []]
    assert elsewhere.study_uid not in str(asked(client, "instances", includefield="all"))
    own = APIClient()
    own.force_authenticate(uploader)
    assert len(asked(own, f"sites/{site.pk}/studies")) == 2
    assert own.get(f"/dicomweb/sites/{elsewhere.site_id}/studies").status_code == 404


def test_two_sites_are_one_list(client, reader, site):
    other = make.site()
    make.people.grant(None, person=reader, site=other, role=Role.RADIOLOGIST)
    made = [make.study(at, waited=minutes).study_uid for minutes, at in enumerate((site, other, site))]
    assert values(asked(client, "studies"), "StudyInstanceUID") == made
    assert values(asked(client, f"sites/{other.pk}/studies"), "StudyInstanceUID") == [made[1]]
