"""De-identification of headers: the standard's table, our options, and nothing that nobody named."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from studies.dicom import deidentify
from studies.dicom.deidentify import spoken
from studies.dicom.deidentify.table import ACTIONS, Action
from studies.dicom.deidentify.words import all_known, cleaned

SHIFT = timedelta(days=-100)


def kept(**elements) -> Dataset:
    made = Dataset()
    for name, value in elements.items():
        setattr(made, name, value)
    return finished(made)


def finished(made: Dataset) -> Dataset:
    header = json.loads(json.dumps(deidentify.deidentify(made)))
    return Dataset.from_json(deidentify.finish(header, uid=lambda text: f"2.25.{len(text)}", shift=SHIFT))


@pytest.mark.parametrize(
    ("keyword", "action"),
    [
        ("PatientName", "Z"), ("PatientID", "Z/D"), ("PatientBirthDate", "Z"), ("PatientSex", "Z"), ("PatientAge", "X"),
        ("OtherPatientIDs", "X"), ("AccessionNumber", "Z"), ("InstitutionName", "X/Z/D"), ("InstitutionAddress", "X"),
        ("ReferringPhysicianName", "Z"), ("OperatorsName", "X/Z/D"), ("StationName", "X/Z/D"), ("StudyID", "Z"),
        ("StudyDescription", "X"), ("SeriesDescription", "X"), ("ProtocolName", "X/D"), ("StudyDate", "Z"),
        ("SeriesDate", "X/D"), ("AcquisitionDate", "X/Z"), ("ContentDate", "Z/D"), ("DeviceSerialNumber", "X/Z/D"),
        ("DetectorID", "X/D"), ("StudyInstanceUID", "U"), ("SOPInstanceUID", "U"), ("FrameOfReferenceUID", "U"),
        ("ReferencedImageSequence", "X/Z/U*"), ("PersonName", "D"), ("IconImageSequence", "X"), ("DeviceUID", "U"),
    ],
)  # fmt: skip
def test_the_table_says_what_the_standard_says(keyword, action):
    assert ACTIONS[tag_for_keyword(keyword)] == action


def test_the_table_is_whole():
    assert len(ACTIONS) == 652  # 655 rows without the masks of curves and overlays
    assert set(ACTIONS.values()) == set(Action)


def test_dates_shift_alike_and_times_go():
    made = kept(StudyDate="20240301", ContentDate="20240302", AcquisitionDateTime="20240303120000.5", StudyTime="1200")
    assert (made.StudyDate, made.ContentDate) == ("20231122", "20231123")
    assert str(made.AcquisitionDateTime) == "20231124"
    assert not made.StudyTime
    assert made.LongitudinalTemporalInformationModified == "MODIFIED"


def test_a_birth_date_is_no_date_to_shift():
    assert not kept(PatientBirthDate="19610403").PatientBirthDate


@pytest.mark.parametrize("text", ["not a date", "20249999", "2024", "12345678"])
def test_what_is_no_date_is_dropped(text):
    made = Dataset()
    made.add_new("SeriesDate", "LO", text)
    assert text not in finished(made).to_json()


def test_uids_are_replaced_and_the_standards_own_stay():
    made = kept(SOPClassUID="1.2.840.10008.5.1.4.1.1.1", StudyInstanceUID="1.2.3", FrameOfReferenceUID="1.2.3.4")
    assert made.SOPClassUID == "1.2.840.10008.5.1.4.1.1.1"
    assert (made.StudyInstanceUID, made.FrameOfReferenceUID) == ("2.25.5", "2.25.7")


def test_descriptions_keep_known_words_only():
    assert kept(StudyDescription="WRIST AP/LAT Mrs Smith 4711").StudyDescription == "WRIST AP LAT"
    assert "StudyDescription" not in kept(StudyDescription="Smith, Jane")
    assert (cleaned("47 11"), cleaned("L5 spine Smith")) == ("", "L5 spine")
    assert not all_known("HAND SMITH")


def test_a_patients_name_is_no_view_and_no_part_of_the_body():
    made = kept(StudyDescription="FOOT Rosenberg AP", PatientName="Foot^Rosenberg", OperatorsName="Garth")
    assert made.StudyDescription == "AP"
    assert kept(StudyDescription="KNEE Rosenberg", PatientName="Doe^Jane").StudyDescription == "KNEE Rosenberg"


def test_a_term_passes_whole_or_not_at_all():
    assert kept(BodyPartExamined="HAND").BodyPartExamined == "HAND"
    assert "BodyPartExamined" not in kept(BodyPartExamined="HAND SMITH")
    assert kept(ImageType=["ORIGINAL", "PRIMARY"]).ImageType == ["ORIGINAL", "PRIMARY"]


def test_sequences_are_walked_and_concepts_need_a_public_scheme():
    def concept(scheme, value, meaning):
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
        return item

    made = Dataset()
    made.AnatomicRegionSequence = Sequence([concept("SRT", "T-D8700", "Wrist"), concept("99HOME", "T-D8700", "Wrist")])
    nested = Dataset()
    nested.PatientName, nested.ReferencedSOPInstanceUID = "Smith", "1.2.3"
    made.SourceImageSequence = [nested]
    result = finished(made)
    assert [item.CodeValue for item in result.AnatomicRegionSequence] == ["T-D8700"]
    assert result.SourceImageSequence[0].ReferencedSOPInstanceUID == "2.25.5"
    assert "Smith" not in result.to_json()


def test_private_curve_overlay_and_pixel_elements_go():
    made = Dataset()
    made.private_block(0x0019, "SMITH", create=True).add_new(1, "DS", "4711")
    made.add_new(0x50000022, "LO", "Smith")
    made.add_new(0x60003000, "OW", b"Smith ")
    made.add_new(0x60000022, "LO", "Smith")
    made.add_new(0x00280010, "US", 47)
    assert sorted(finished(made).keys()) == sorted(finished(Dataset()).keys())


def test_numbers_stay_where_they_are_numbers():
    made = kept(KVP="55", PixelSpacing=["0.2", "0.2"], ExposureTime="12")
    assert (made.KVP, list(made.PixelSpacing), made.ExposureTime) == (55, [0.2, 0.2], 12)
    liar = Dataset()
    liar.add_new("KVP", "LO", "Smith")
    assert "KVP" not in finished(liar)


def test_the_options_are_recorded_as_codes():
    header = deidentify.deidentify(Dataset())
    assert set(spoken.options_of(header)) == {"113100", "113105", "113107", "113108"}
    assert "EXIF" in spoken.of_images([{}])[0][1]
    made = Dataset.from_json(header)
    assert made.PatientIdentityRemoved == "YES"
    assert {item.CodingSchemeDesignator for item in made.DeidentificationMethodCodeSequence} == {"DCM"}


def test_every_window_that_a_file_names_is_kept_and_its_name_only_in_known_words():
    header = kept(WindowCenter=[1000, 2000], WindowWidth=[500, 800], WindowCenterWidthExplanation=["BONE", "CHEST"])
    assert list(header.WindowCenter) == [1000, 2000]
    assert list(header.WindowWidth) == [500, 800]
    assert list(header.WindowCenterWidthExplanation) == ["BONE", "CHEST"]
    named = kept(WindowCenter=[1000, 2000], WindowWidth=[500, 800], WindowCenterWidthExplanation=["BONE", "DR MILLER"])
    assert "WindowCenterWidthExplanation" not in named
    assert list(named.WindowCenter) == [1000, 2000]
