"""What the platform exports is what training reads: exports made by hand, and spoilt ones."""

import csv
import hashlib
import json
import shutil
import stat
import zipfile

import numpy as np
import pytest
from PIL import Image

from training import dataset, exported
from training.__main__ import main

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
    assert main(command_line or ["fit", "mobilenet_v2", str(path), str(run)]) == 2
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


def asking_to_evaluate(folder, source):
    """Return the command line for a run that was fitted, as far as it is read before its data."""
    fitted = folder.parent / "fitted"
    fitted.mkdir()
    for name in ("history.json", "model.keras", "model.tflite", "head.npz", "golden.npz"):
        (fitted / name).write_text("[]")
    (fitted / "config.json").write_text(json.dumps({"recipe": {"size": 64}, "task": "fracture", "data": {}}))
    options = ["--name", "a", "--version", "1", "--source", source]
    return ["evaluate", str(fitted), str(folder), str(folder.parent / "run"), *options]


def test_evaluate_reads_with_the_same_eyes(folder, capsys):
    changed(folder)
    assert "labels.csv" in refusal(folder, capsys, asking_to_evaluate(folder, "export"))


def test_a_card_does_not_claim_another_source(folder, capsys):
    assert "Expected --source export" in refusal(folder, capsys, asking_to_evaluate(folder, "fracatlas"))


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
