"""One entry reads every form that a data set comes in, and refuses with a sentence what cannot be learnt from."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from training import dataset, readers, splits, synthetic
from training.dataset import DatasetError, item_of
from training.inspection import Copies
from training.readers import words
from training.tasks import BODY_PART, FRACTURE, FRACTURE_TYPE

from .conftest import draw_bars


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def picture(path, seed):
    """Write a drawn radiograph that looks like no other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = synthetic.PARTS[seed % 4]
    drawn = synthetic.radiograph(seed, fractured=seed % 2 == 0, part=part, size=(120, 100))
    Image.fromarray(drawn.pixels).save(path)
    return path


def write_table(path, head, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def sides_of(data):
    return {name: sum(sample.split == name for sample in data.samples) for name in dataset.SPLITS}


@pytest.fixture
def classes(tmp_path):
    """A folder of two classes without sides, twelve images each."""
    for number in range(24):
        picture(tmp_path / "data" / ("Fractured", "normal")[number % 2] / f"{number}.png", number)
    return tmp_path / "data"


def read(path, *arguments, **options):
    with readers.opened(path, *arguments, **options) as data:
        return data


def test_folders_with_sides_are_read_as_they_lie(tmp_path):
    for number in range(12):
        side = ("train", "valid", "TEST")[number % 3]
        picture(tmp_path / side / ("fracture", "No fracture")[number // 3 % 2] / f"{number}.jpg", number)
    (tmp_path / "train" / "fracture" / ".DS_Store").write_text("litter")
    (tmp_path / "train" / "fracture" / "notes.txt").write_text("beside")
    data = read(tmp_path)
    assert sides_of(data) == {"train": 4, "val": 4, "test": 4}
    assert {sample.label for sample in data.samples} == set(FRACTURE.classes)
    assert data.samples[0].facts == {"orig_width": "100", "orig_height": "120"}
    assert data.digest == read(tmp_path).digest
    (tmp_path / "train" / "fracture").rename(tmp_path / "train" / "broken")
    assert read(tmp_path).digest == data.digest


def test_folders_without_sides_are_dealt_by_groups_and_copies(classes):
    Image.open(classes / "normal" / "1.png").rotate(35).save(classes / "normal" / "1-rotated1 (2).png")
    Image.open(classes / "normal" / "3.png").rotate(35).save(classes / "normal" / "another name.png")
    data = read(classes)
    assert len(data.samples) == 26
    assert data.notes == ("Dealt by groups and copies: 70% train, 15% val, 15% test.",)
    assert all(sides_of(data).values())
    sides = {sample.path.name: sample.split for sample in data.samples}
    groups = {sample.path.name: sample.group for sample in data.samples}
    assert sides["1-rotated1 (2).png"] == sides["1.png"]
    assert sides["another name.png"] == sides["3.png"]
    assert groups["another name.png"] == groups["3.png"]
    assert len(set(groups.values())) == 24


def test_sides_that_were_dealt_before_stay(classes, tmp_path):
    data = read(classes)
    items = tuple(item_of(sample.path) for sample in data.samples)
    table = splits.split(data.samples, Copies(items, tuple(range(24)), ()), seed=5)
    (classes / "splits.csv").write_bytes(table.encoded())
    for number in range(24, 60):
        picture(classes / ("Fractured", "normal")[number % 2] / f"{number}.png", number)
    after = read(classes)
    assert "kept" in after.notes[0]
    assert len(after.samples) == 60
    kept = {item_of(sample.path): sample.split for sample in after.samples}
    assert all(kept[item] == table.items[item].name for item in items)
    assert any(kept[item] != sample.split for item, sample in zip(items, data.samples, strict=True))


def test_an_image_that_would_join_two_dealt_sides_is_left_out(classes):
    (classes / "splits.csv").write_bytes(_table(read(classes).samples))
    data = read(classes)
    train = next(sample for sample in data.samples if sample.split == "train" and sample.fractured)
    test = next(sample for sample in data.samples if sample.split == "test")
    late = classes / "Fractured" / f"{train.path.stem}-rotated1.png"  # the name of one, the pixels of the other
    Image.open(test.path).rotate(77, Image.Resampling.BICUBIC).save(late)
    after = read(classes)
    assert "Left out: 1 images that would join two sides." in after.notes
    assert late not in {sample.path for sample in after.samples}


def _table(samples):
    items = tuple(item_of(sample.path) for sample in samples)
    return splits.split(samples, Copies(items, tuple(range(len(samples))), ())).encoded()


def test_val_is_dealt_out_of_train_where_only_test_is_given(classes, tmp_path):
    for number in range(40, 44):
        picture(tmp_path / "split" / "test" / ("Fractured", "normal")[number % 2] / f"{number}.png", number)
    classes.rename(tmp_path / "split" / "train")
    data = read(tmp_path / "split")
    assert sides_of(data) == {"train": 20, "val": 4, "test": 4}
    assert data.notes == ("Dealt by groups and copies: 85% train, 15% val.",)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda root: (root / "normal").rename(root / "cats"), r"classes not_fractured, fractured .*'cats' \(12\)"),
        (lambda root: shutil.rmtree(root / "normal"), "Missing: not_fractured. Received: 0 not_fractured, 12"),
        (lambda root: [path.unlink() for path in root.rglob("*.png")], "Expected JPEG, PNG or DICOM files in .*none"),
        (lambda root: (root / "normal" / "x.png").write_text("text"), r"DICOM pictures. Received: .*x\.png \(no JPEG"),
        (lambda root: (root / "normal" / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n"), r"x\.png \(its header"),
        (lambda root: (root / "normal" / "x.bmp").write_text("text"), r"x\.bmp \(no JPEG, PNG or DICOM file\)"),
        (lambda root: (root / "train").mkdir(), "one folder each of train, val and test"),
        (lambda root: (root / "splits.csv").write_text("a,b\n"), "Expected the columns item, group, side"),
        (lambda root: shutil.rmtree(root), "which is not there"),
        (lambda root: [path.unlink() for path in sorted((root / "normal").iterdir())[2:]], "at least 3 groups of"),
    ],
)  # fmt: skip
def test_spoilt_folders_are_refused_with_a_sentence(classes, spoil, sentence):
    spoil(classes)
    with pytest.raises(DatasetError, match=sentence) as refused:
        read(classes)
    assert str(classes) in str(refused.value) or "groups" in sentence


def test_a_table_names_files_labels_groups_and_sides(tmp_path):
    rows = []
    for number in range(12):
        picture(tmp_path / "png" / f"{number}.png", number)
        rows.append(
            (f"png/{number}.png", number % 2, f"P{number // 2}", ("train", "Validation", "test")[number // 4], "hand")
        )
    path = write_table(tmp_path / "list.csv", ("Image", "Label", "Patient_ID", "Split", "region"), rows)
    data = read(path)
    assert [sample.fractured for sample in data.samples[:2]] == [False, True]
    assert [sample.group for sample in data.samples[:3]] == ["P0", "P0", "P1"]
    assert sides_of(data) == {"train": 4, "val": 4, "test": 4}
    assert data.samples[0].region == "hand"
    rows[0], rows[4] = (*rows[0][:2], "P2", *rows[0][3:]), (*rows[4][:3], "holdout", "hand")
    write_table(path, ("Image", "Label", "Patient_ID", "Split", "region"), rows)
    with pytest.raises(DatasetError, match="Received on two: P2"):
        read(path)
    told = read(path, may_leak=True)
    assert told.notes == ("Left out: 1 of 12 rows, without a label or on another side.",)


def test_a_table_may_have_another_label_column_and_digests(tmp_path):
    rows = []
    for number in range(8):
        path = picture(tmp_path / f"{number}.png", number)
        rows.append((path.name, ("yes", "no")[number % 2], number % 2, item_of(path)))
    table = write_table(tmp_path / "list.csv", ("file", "opinion", "label", "sha256"), rows)
    assert [sample.fractured for sample in read(table).samples[:2]] == [False, True]
    assert [sample.fractured for sample in read(table, label_column="opinion").samples[:2]] == [True, False]
    with pytest.raises(DatasetError, match=r"Expected the column truth in .*Received: file, opinion"):
        read(table, label_column="truth")
    picture(tmp_path / "3.png", 33)
    with pytest.raises(DatasetError, match=r"Expected .*3\.png with sha256 .{64}, as its manifest says. Received: "):
        read(table)
    write_table(table, ("name", "label"), [("a", "b")])
    with pytest.raises(DatasetError, match=r"a column with a file .*Received: name, label"):
        read(table)
    write_table(table, ("file", "label"), [("absent.png", "1")])
    with pytest.raises(DatasetError, match=r"Missing: .*absent\.png"):
        read(table)


def write_coco(folder, numbers, *, category="fracture", **image):
    """Write pictures and a COCO file in which every other one has a fracture box, and a marker on each."""
    images, annotations = [], []
    for number in numbers:
        picture(folder / "images" / f"{number}.png", number)
        images.append({"id": number, "file_name": f"{number}.png", "width": 100, "height": 120, **image})
        annotations.append({"id": 2 * number, "image_id": number, "category_id": 1, "bbox": [0, 0, 5, 5]})
        if number % 2 == 0:
            annotations.append({"id": 2 * number + 1, "image_id": number, "category_id": 2, "bbox": [10, 30, 50, 60]})
    categories = [{"id": 1, "name": "marker"}, {"id": 2, "name": category}]
    path = folder / "annotations.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def test_coco_boxes_are_fractures_and_images_without_one_are_not(tmp_path):
    path = write_coco(tmp_path, range(12))
    data = read(path)
    assert [sample.fractured for sample in data.samples[:3]] == [True, False, True]
    assert data.samples[0].boxes == (pytest.approx((0.1, 0.25, 0.6, 0.75)),)
    assert data.samples[1].boxes == ()
    assert all(sides_of(data).values())
    assert [sample.label for sample in read(tmp_path).samples] == [sample.label for sample in data.samples]


def test_coco_in_folders_of_sides_and_for_types(tmp_path):
    for place, side in enumerate(("train", "valid", "test")):
        write_coco(tmp_path / side, range(place * 4, place * 4 + 4))
    assert sides_of(read(tmp_path)) == {"train": 4, "val": 4, "test": 4}
    other = write_coco(tmp_path / "parts", range(4), category="Hand")
    with pytest.raises(DatasetError, match=r"names a fracture in .*Received: Hand, marker"):
        read(other)
    with pytest.raises(DatasetError, match=r"every class of body_part .*Missing: hip, leg, shoulder"):
        read(other, BODY_PART)
    other.write_text(other.read_text()[:50])
    with pytest.raises(DatasetError, match="Expected images, annotations and categories of COCO"):
        read(other)


def write_dicom(path, number, *, patient, inverted=False):
    drawn = synthetic.radiograph(number, fractured=number % 2 == 0, size=(120, 100), bits=12)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
    file = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    file.SOPClassUID, file.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    file.Modality, file.PatientID, file.ViewPosition = "DX", patient, "LL"
    file.Rows, file.Columns = drawn.pixels.shape
    file.SamplesPerPixel, file.PixelRepresentation = 1, 0
    file.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    file.BitsAllocated, file.BitsStored, file.HighBit = 16, 12, 11
    file.PixelData = (4095 - drawn.pixels if inverted else drawn.pixels).astype("<u2").tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save_as(path)
    return drawn.pixels


def test_dicom_is_read_by_its_patient_and_larger_is_brighter(tmp_path):
    pixels = {}
    for number in range(12):
        path = tmp_path / ("fractured", "normal")[number % 2] / f"{number}.dcm"
        pixels[path] = write_dicom(
            path, number, patient=f"Secret{number // 4 * 2 + number % 2}", inverted=number % 3 == 0
        )
    data = read(tmp_path)
    assert len({sample.group for sample in data.samples}) == 6
    assert "Secret" not in "".join(sample.group for sample in data.samples)
    for sample in data.samples:
        assert sample.facts == {"orig_width": "100", "orig_height": "120", "lateral": "1"}
        grey = dataset.grey_levels(sample.path).astype(float).ravel()
        assert np.corrcoef(grey, pixels[sample.path].ravel())[0, 1] == pytest.approx(1, abs=1e-4)
    (tmp_path / "normal" / "1.dcm").write_bytes((tmp_path / "normal" / "1.dcm").read_bytes()[:300])
    with pytest.raises(DatasetError, match=r"1\.dcm"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("task", "word", "label"),
    [
        (FRACTURE, "Non_fractured", "not_fractured"), (FRACTURE, "FRACTURED", "fractured"), (FRACTURE, "tumour", None),
        (BODY_PART, "Hands", "hand"), (BODY_PART, "XR_ELBOW", None), (FRACTURE_TYPE, "Hairline Fracture", "hairline"),
        (FRACTURE_TYPE, "Greenstick fractures", "greenstick"), (FRACTURE_TYPE, "Fracture Dislocation", None),
    ],
)  # fmt: skip
def test_words_of_other_data_sets(task, word, label):
    assert words.label_of(word, task) == label


def test_names_of_files_tell_patients_and_copies(tmp_path):
    path = tmp_path / "MURA"
    assert (
        words.patient_of((path / "patient00011" / "study1_positive" / "image1.png").relative_to(tmp_path))
        == "patient 11"
    )
    assert words.patient_of((path / "spatial" / "1.png").relative_to(tmp_path)) is None
    stems = {name: words.stem_of(path.relative_to(tmp_path) / name) for name in (
        "12.png", "12-rotated1-rotated2 - Copy (1).png", "12 (1).jpg", "12_flip.png", "12_png.rf.0123456789abcdef.jpg",
        "13.png", "copy.png",
    )}  # fmt: skip
    assert [stem for stem in stems.values()] == ["MURA/12"] * 4 + ["MURA/12_png", "MURA/13", "MURA/copy"]


def test_a_manifest_and_an_empty_class_of_a_task(tmp_path):
    root = draw_bars(tmp_path / "data", 240)
    assert read(root).digest == dataset.read(root).digest
    with pytest.raises(DatasetError, match=r"every class of body_part .*Missing: hip, shoulder"):
        read(root, BODY_PART)
    with pytest.raises(DatasetError, match=r"labels only with a \.csv"):
        read(root, label_column="region")
    manifest = root / "manifest.csv"
    lines = manifest.read_text().splitlines()
    digests = ["sha256", *(item_of(root / line.split(",")[0]) for line in lines[1:])]
    manifest.write_text("\n".join(f"{line},{digest}" for line, digest in zip(lines, digests, strict=True)))
    assert len(read(root).samples) == 240
    (root / "7.png").write_bytes((root / "8.png").read_bytes())
    with pytest.raises(DatasetError, match=rf"7\.png with sha256 {digests[8]}, .*Received: {digests[9]}"):
        read(root)
