"""From signed labels to a registered model: what the domain exports, training reads, and the whole way round."""

import json

import pytest

from inference import radiographs, registry
from studies import datasets
from studies.datasets import Criteria
from studies.datasets.splits import side_of
from studies.models import DatasetItem
from tests import factories_studies as make
from training import dataset, exported
from training.__main__ import main
from training.artifact import Artifact
from training.frames import decode_png
from training.sources import SOURCES

from .conftest import command, draw_bars

RECIPE = {
    "network": "tiny", "task": "fracture", "size": 64, "batch": 16, "balance": "draws", "draws": 960,
    "phases": [{"open": "all", "epochs": 1, "learning_rate": 3e-3}],
}  # fmt: skip


pytestmark = pytest.mark.usefixtures("undo_is_over")


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
    assert main(["fit", "mobilenet_v2", str(path), str(tmp_path / "run")]) == 2
    assert "Expected all 3 images of the dataset 'First'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


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
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps(RECIPE))
    options = ("--name", "drawn", "--version", "1", "--source", "export", "--rounds", 20, "--test")
    for arguments in (
        ("fit", recipe, path, run),
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
    assert SOURCES["export"].attribution in artifact.card
    version = registry.register(None, out)
    assert (version.name, version.dataset_digest) == ("drawn", frozen.digest)
    assert version.report["replayed_here"]["litert"] <= 1e-4
