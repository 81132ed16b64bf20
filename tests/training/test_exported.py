"""What the platform exported is what training reads: hand-made exports, the domain's own, and the whole way round."""

import csv
import hashlib
import json
import shutil
import stat
import zipfile

import numpy as np
import pytest
from PIL import Image

from inference import radiographs, registry
from studies import datasets
from studies.datasets import Criteria
from studies.datasets.splits import side_of
from studies.models import DatasetItem
from tests import factories_studies as make
from training import dataset, exported, packing
from training.__main__ import main
from training.artifact import Artifact
from training.frames import decode_png

from .conftest import command, draw_bars

SUMS = "SHA256SUMS"
DIGEST = "ab" * 32
ROWS, COLUMNS = 40, 50
HEAD = ("image_label", "boxes", "group", "split", "file_name", "rows", "columns", "body_part", "view")
BOX = {"x": 5, "y": 10.0, "width": 20, "height": 4, "bone": "", "type": "", "side": "unknown", "confidence": "sure"}
LABELS = ("fracture", "no_fracture", "unlocated", "not_visible_here", "not_assessable", "no_fracture")


def row(number, **values):
    label = LABELS[number % 6]
    given = {
        "image_label": label, "boxes": json.dumps([BOX] if label == "fracture" else []), "group": f"g{number}",
        "split": dataset.SPLITS[number // 6], "file_name": f"images/{number:04x}-a.png", "rows": ROWS,
        "columns": COLUMNS, "body_part": ("hand", "unknown")[number % 2], "view": ("AP", "LL", "")[number % 3],
    }  # fmt: skip
    return {**given, **values}


def write(folder, rows, *, images=None):
    """Write an export by hand: every side has one image of each label, and two without a fracture."""
    (folder / "images").mkdir(parents=True)
    for number, values in enumerate(rows):
        picture = np.random.default_rng(number).integers(0, 65536 if number % 4 == 1 else 256, (ROWS, COLUMNS))
        kind = np.uint16 if number % 4 == 1 else np.uint8
        Image.fromarray(picture.astype(kind)).save(folder / values["file_name"])
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, HEAD)
        writer.writeheader()
        writer.writerows(rows)
    (folder / "coco.json").write_text("{}")
    about = {"name": "First", "digest": DIGEST, "counts": {"images": len(rows) if images is None else images}}
    (folder / "dataset.json").write_text(json.dumps(about))
    seal(folder)
    return folder


def seal(folder):
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    (folder / SUMS).write_text("".join(f"{digest(folder / name)}  {name}\n" for name in names if name != SUMS))


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def zipped(folder, **options):
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", **options) as archive:
        for entry in sorted(folder.rglob("*")):
            archive.write(entry, entry.relative_to(folder).as_posix())
    return path


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "export", [row(number) for number in range(18)])


def refusal(path, capsys, command_line=None):
    """Return the one sentence with which `fit` refuses, after which there is no run."""
    run = path.parent / "run"
    assert main(command_line or ["fit", str(path), str(run), "--network", "tiny"]) == 2
    printed = capsys.readouterr()
    assert not run.exists()
    assert printed.err.count("\n") == 1
    assert "Traceback" not in printed.err
    return printed.err


@pytest.mark.parametrize("form", ["folder", "stored", "deflated"])
def test_only_an_images_own_label_teaches(folder, form):
    options = {"compression": zipfile.ZIP_DEFLATED} if form == "deflated" else {}
    path = folder if form == "folder" else zipped(folder, **options)
    with exported.opened(path) as export:
        samples = export.data.samples
        assert [sample.fractured for sample in samples] == [True, False, False] * 3
        assert [sample.group for sample in samples] == [f"g{number}" for number in (0, 1, 5, 6, 7, 11, 12, 13, 17)]
        assert [len(export.data.split(name)) for name in dataset.SPLITS] == [3, 3, 3]
        assert export.left_out == {"unlocated": 3, "not_visible_here": 3, "not_assessable": 3}
        assert (export.name, export.data.digest) == ("First", DIGEST)
        assert samples[0].boxes == (pytest.approx((5 / 50, 10 / 40, 25 / 50, 14 / 40)),)
        assert [len(sample.boxes) for sample in samples] == [1, 0, 0] * 3
        assert [sample.region for sample in samples[:2]] == ["hand", "unknown"]
        assert samples[0].facts["frontal"] == samples[1].facts["lateral"] == "1"
        for number, sample in zip((0, 1, 5), samples, strict=False):
            known = np.asarray(Image.open(folder / row(number)["file_name"]))
            assert (dataset.grey_levels(sample.path) == known).all()
        assert "train 1 fracture + 2 no_fracture" in export.sentence
        assert "Images left out: 3 unlocated, 3 not_visible_here, 3 not_assessable." in export.sentence


def changed(folder):
    with (folder / "labels.csv").open("a") as file:
        file.write("\n")
    return "labels.csv", digest(folder / "labels.csv")


def repainted(folder):
    Image.new("L", (COLUMNS, ROWS), 3).save(folder / "images/0002-a.png")
    return "images/0002-a.png", digest(folder / "images/0002-a.png")


def missing(folder):
    (folder / "images/0000-a.png").unlink()
    return "images/0000-a.png", "no file"


def without_table(folder):
    (folder / "coco.json").unlink()
    seal(folder)
    return "coco.json", "no checksum"


def extra(folder):
    shutil.copy(folder / "images/0000-a.png", folder / "images/more.png")
    return "images/more.png", "extra file"


def foreign(folder):
    (folder / "run.py").write_text("print('hello')")
    return "run.py", "an extra"


def nested(folder):
    (folder / "images/more").mkdir()
    return "images/more", "an extra"


def unsummed(folder):
    (folder / SUMS).unlink()
    return SUMS, "none"


def misread(folder):
    (folder / SUMS).write_text("all is well\n")
    return SUMS, "other lines"


@pytest.mark.parametrize("form", ["folder", "zip"])
@pytest.mark.parametrize(
    "spoil", [changed, repainted, missing, without_table, extra, foreign, nested, unsummed, misread]
)
def test_a_tampered_export_is_one_sentence_and_leaves_nothing(folder, spoil, form, capsys):
    with exported.opened(folder):
        pass
    name, received = spoil(folder)
    sentence = refusal(folder if form == "folder" else zipped(folder), capsys)
    assert "Expected" in sentence
    assert name in sentence
    assert received in sentence.partition("Received")[2]


def test_evaluate_reads_with_the_same_eyes(folder, capsys):
    changed(folder)
    options = ["--name", "a", "--version", "1", "--source", "export"]
    command_line = ["evaluate", str(folder), str(folder), str(folder.parent / "run"), *options]
    assert "labels.csv" in refusal(folder, capsys, command_line)


def test_a_card_does_not_claim_another_source(folder, capsys):
    options = ["--name", "a", "--version", "1", "--source", "fracatlas"]
    command_line = ["evaluate", str(folder), str(folder), str(folder.parent / "run"), *options]
    assert "Expected --source export" in refusal(folder, capsys, command_line)


def test_links_in_a_folder_are_not_followed(folder, capsys):
    (folder / "images/0000-a.png").rename(folder.parent / "elsewhere.png")
    (folder / "images/0000-a.png").symlink_to(folder.parent / "elsewhere.png")
    assert "0000-a.png once in" in refusal(folder, capsys)


def entry(name, mode=0o600 | stat.S_IFREG):
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("../escaped.png", stat.S_IFREG),
        ("images/../../escaped.png", stat.S_IFREG),
        ("/tmp/escaped.png", stat.S_IFREG),
        ("images\\escaped.png", stat.S_IFREG),
        ("images/link.png", stat.S_IFLNK),
        ("images/0000-a.png", stat.S_IFREG),
        ("images/more/", stat.S_IFDIR),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_a_zip_holds_plain_files_of_its_own_once(folder, name, mode, capsys):
    path = zipped(folder)
    before = sorted(folder.parent.iterdir())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry(name, mode | 0o600), b"/etc/passwd")
    sentence = refusal(path, capsys)
    assert name.strip("/").rpartition("/")[2].rpartition("\\")[2] in sentence
    assert sorted(folder.parent.iterdir()) == before


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_file_that_is_no_zip_or_a_broken_one(folder, content, capsys):
    path = zipped(folder)
    path.write_bytes(path.read_bytes()[:-30] if content is None else content)
    assert "can be read" in refusal(path, capsys)


def test_a_zip_with_a_flipped_bit(folder, capsys):
    path = zipped(folder)
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 20] ^= 1
    path.write_bytes(content)
    assert "can be read" in (sentence := refusal(path, capsys))
    assert "images/0000-a.png" in sentence


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        ({"image_label": "negative"}, "'negative'"),
        ({"split": "rest"}, "'rest'"),
        ({"group": ""}, "and ''"),
        ({"group": "g17"}, "one side of the split. Received on two: g17"),
        ({"rows": 41}, "41 rows and 50 columns"),
        ({"boxes": "[{]"}, "inside images/0000-a.png"),
        ({"boxes": json.dumps([{**BOX, "x": 45}])}, "inside images/0000-a.png"),
        ({"boxes": json.dumps([{**BOX, "width": float("nan")}])}, "inside images/0000-a.png"),
    ],
)
def test_a_row_that_says_something_else_is_refused(tmp_path, spoilt, words, capsys):
    rows = [row(number, **(spoilt if number == 0 else {})) for number in range(18)]
    assert words in refusal(write(tmp_path / "export", rows), capsys)


def test_rows_and_pictures_belong_together(tmp_path, capsys):
    rows = [row(number) for number in range(18)]
    folder = write(tmp_path / "export", rows)
    (folder / "images/0000-a.png").rename(folder / "images/other.png")
    seal(folder)
    assert "Received: rows 1, pictures 0" in refusal(folder, capsys)


def test_a_part_of_a_dataset_is_not_the_dataset(tmp_path, capsys):
    folder = write(tmp_path / "export", [row(number) for number in range(18)], images=19)
    assert "Expected all 19 images" in refusal(folder, capsys)


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (("fracture", "unlocated"), "Received: 3 and 0, and 3 whose"),
        (("no_fracture",), "Received: 0 and 6, and 0 whose"),
        (("unlocated", "not_assessable"), "Received: 0 and 0, and 6 whose"),
        ((), "Received: 0 and 0, and 0 whose"),
    ],
)
def test_one_class_alone_is_refused(tmp_path, kept, words, capsys):
    rows = [row(number) for number in range(18) if LABELS[number % 6] in kept]
    assert words in refusal(write(tmp_path / "export", rows), capsys)


def test_a_side_with_one_class_is_refused_before_anything_is_written(tmp_path, capsys):
    rows = [row(number) for number in range(18) if (number // 6, LABELS[number % 6]) != (1, "fracture")]
    path = write(tmp_path / "export", rows)
    sentence = refusal(path, capsys)
    assert "every class of fracture in the split 'val'" in sentence
    assert "Received: 2 not_fractured, 0 fractured" in sentence


# With the database: the domain's own export.


@pytest.fixture
def site(db):
    return make.site()


@pytest.fixture
def admin(site):
    return make.person(site, make.Role.ADMIN)


def export(admin, frozen, path, **options):
    path.write_bytes(b"".join(datasets.export(admin, frozen, file_format="zip", **options).chunks))
    return path


def of_side(site, side, number):
    """Return the code of a patient whose group lies on a side."""
    codes = (f"patient {number} {attempt}" for attempt in range(1000))
    return next(code for code in codes if side_of(make.patient_key(site, issuer="", patient_id=code)) == side)


def test_training_reads_what_was_frozen(site, admin, tmp_path):
    reader = make.reader(site)
    for number, side in enumerate(("train", "train", "val", "val", "test")):
        study = make.study(site, images=2, patient=of_side(site, side, number), body_part="leg")
        if number % 2:
            make.signed(reader, study, "no_fracture")
        else:
            make.signed(reader, study, "fracture", boxes=[make.box(study.images.order_by("position")[0], 4, 6, 16, 9)])
    make.signed(reader, make.study(site), "not_assessable")
    frozen = datasets.freeze(admin, site=site, name="First", criteria=Criteria())
    path = export(admin, frozen, tmp_path / "first.zip")
    with exported.opened(path) as read:
        counts = frozen.counts["image_label"]
        assert counts == {"fracture": 3, "no_fracture": 4, "unlocated": 3, "not_assessable": 1}
        assert sum(sample.fractured for sample in read.data.samples) == counts["fracture"]
        assert len(read.data.samples) == counts["fracture"] + counts["no_fracture"]
        assert read.left_out == {"unlocated": 3, "not_visible_here": 0, "not_assessable": 1}
        assert (read.name, read.data.digest) == ("First", frozen.digest)
        items = {f"{item.study_image_id}.png": item for item in DatasetItem.objects.filter(dataset=frozen)}
        for sample in read.data.samples:
            item = items[sample.path.name]
            assert (sample.group, sample.split) == (item.group.key, item.split)
            assert sample.fractured == (item.image_label == "fracture")
            assert sample.facts["region"] == "leg"
            grey = radiographs.frame_of(item.radiograph).grey()
            assert (dataset.grey_levels(sample.path) == grey).all()
        boxes = [sample.boxes for sample in read.data.samples if sample.fractured]
        expected = (4 / make.COLUMNS, 6 / make.ROWS, 20 / make.COLUMNS, 15 / make.ROWS)
        assert boxes == [(pytest.approx(expected),)] * 3


def test_an_export_of_corrections_alone_is_refused(site, admin, tmp_path, capsys):
    reader, model = make.reader(site), make.model()
    for said, verdict in (("positive", "fracture"), ("positive", "no_fracture"), ("negative", "fracture")):
        study = make.study(site)
        make.predicted(study, model, said)
        boxes = [make.box(study.images.get())] if verdict == "fracture" else []
        make.signed(reader, study, verdict, boxes=boxes)
    frozen = datasets.freeze(admin, site=site, name="First", criteria=Criteria())
    with exported.opened(export(admin, frozen, tmp_path / "all.zip")) as read:
        assert len(read.data.samples) == 3
    path = export(admin, frozen, tmp_path / "part.zip", corrected_only=True)
    assert "Expected all 3 images of the dataset 'First'" in refusal(path, capsys)


def study_of(site, number, sample):
    """Return an unread study of one drawn bar, with the verdict and the boxes that are true of it."""
    side = ("train", "train", "val", "test")[number // 2 % 4]
    described = radiographs.describe(decode_png(sample.path.read_bytes()))
    key = make.pixel_key(site, described.pixel_digest)
    stored, _is_new = radiographs.store(described, pixel_key=key, facts={}, files={})
    study = make.study(site, images=0, patient=of_side(site, side, number), body_part="hand")
    image = make.image(study, shows=stored)
    across, down = stored.columns, stored.rows
    boxes = [
        make.box(image, x0 * across, y0 * down, (x1 - x0) * across, (y1 - y0) * down) for x0, y0, x1, y1 in sample.boxes
    ]
    return study, "fracture" if sample.fractured else "no_fracture", boxes


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_whole_way_round_from_signed_labels_to_a_registered_model(site, admin, tmp_path):
    reader = make.reader(site)
    for number, sample in enumerate(dataset.read(draw_bars(tmp_path / "bars", 48)).samples):
        study, verdict, boxes = study_of(site, number, sample)
        make.signed(reader, study, verdict, boxes=boxes)
    frozen = datasets.freeze(admin, site=site, name="Drawn", criteria=Criteria())
    path, run, out = export(admin, frozen, tmp_path / "drawn.zip"), tmp_path / "run", tmp_path / "artifact"
    options = ("--name", "drawn", "--version", "1", "--source", "export", "--rounds", 20, "--test")
    for arguments in (
        ("fit", path, run, "--network", "tiny", "--size", 64, "--epochs", 1, "--draws", 3200, "--learning-rate", 3e-3),
        ("convert", run),
        ("evaluate", run, path, out, *options),
    ):
        done = command(*arguments)
        assert done.returncode == 0, done.stderr
        assert arguments[0] == "convert" or "Images left out: none." in done.stdout
    artifact = Artifact.load(out)
    assert artifact.config["dataset_digest"] == frozen.digest
    assert artifact.report["splits"]["val"]["images"] == frozen.counts["split"]["val"]
    assert frozen.digest in artifact.card
    assert packing.SOURCES["export"].attribution in artifact.card
    version = registry.register(None, out)
    assert (version.name, version.dataset_digest) == ("drawn", frozen.digest)
    assert version.report["replayed_here"]["litert"] <= 1e-4
