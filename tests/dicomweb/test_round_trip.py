"""A client stores, searches and retrieves over HTTP: what it gets is what it sent, under other names."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest

from tests import factories_intake as files
from tests.dicomweb.conftest import judge_all

WORDS = {"PatientName": "Doe^Jane", "PatientID": "A1", "BodyPartExamined": "HAND", "Modality": "CR"}


def instance(**elements):
    return pydicom.dcmread(io.BytesIO(files.dicom(files.dataset(**WORDS | elements))))


def first(rows, keyword):
    return pydicom.Dataset.from_json(rows[0])[keyword].value


@pytest.fixture
def stored(server, uploader):
    """One instance that was stored and judged: what was sent, and the answer."""
    sent = instance()
    answer = server.client(uploader).store_instances([sent])
    judge_all()
    return sent, answer


def test_what_is_stored_is_found_and_retrieved(stored, server, reader):
    sent, answer = stored
    (item,) = answer.ReferencedSOPSequence
    assert item.ReferencedSOPInstanceUID == sent.SOPInstanceUID
    assert "FailedSOPSequence" not in answer
    client = server.client(reader)
    studies = client.search_for_studies()
    study_uid = first(studies, "StudyInstanceUID")
    assert study_uid != sent.StudyInstanceUID
    assert first(studies, "NumberOfStudyRelatedInstances") == 1
    (series,) = client.search_for_series(study_uid)
    series_uid = first([series], "SeriesInstanceUID")
    (found,) = client.search_for_instances(study_uid, series_uid)
    instance_uid = first([found], "SOPInstanceUID")
    assert item.RetrieveURL.endswith(f"/studies/{study_uid}/series/{series_uid}/instances/{instance_uid}")
    served = client.retrieve_instance(study_uid, series_uid, instance_uid)
    assert np.array_equal(served.pixel_array, sent.pixel_array)
    assert (served.SOPInstanceUID, served.BodyPartExamined) == (instance_uid, "HAND")
    assert "Doe" not in str(served)
    (frame,) = client.retrieve_instance_frames(study_uid, series_uid, instance_uid, [1])
    assert frame == sent.PixelData
