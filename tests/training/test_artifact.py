"""An artifact is exactly what its checksums say, or it is refused."""

import io
import json
import os
import resource
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from tests import tiny
from training import artifact
from training.artifact import Artifact, ArtifactError
from training.seen import Seen

from .conftest import ROOT


@pytest.fixture
def folder(tmp_path):
    """An artifact that may be spoilt."""
    return tiny.write(tmp_path / "artifact")


def test_loads_what_was_written(folder):
    loaded = Artifact.load(folder)
    assert (loaded.name, loaded.version, loaded.task, loaded.network) == ("tiny", "test", "fracture", "tiny")
    assert loaded.classes == ("not_fractured", "fractured")
    assert (loaded.temperature, loaded.operating_points.lower, loaded.operating_points.upper) == (1.0, 0.3, 0.7)
    assert (loaded.map_kind, loaded.shows_regions, loaded.outputs) == ("activation", True, 1)
    assert loaded.preprocessing.size == 64
    assert (loaded.head.channels, loaded.head.outputs) == (4, 1)
    assert loaded.golden.renditions.shape == (4, 64, 64)
    assert [row.item for row in loaded.predictions] == [row.item for row in tiny.rows()]
    assert loaded.seen[0] == Seen(loaded.predictions[0].item, loaded.predictions[0].group, "train")
    assert loaded.sha256 == artifact.verify(folder)
    assert len(loaded.sha256) == 64
    assert loaded.scope.not_evaluated == ("hip",)
    assert loaded.model_file.is_file()
    assert loaded.keras_file.is_file()
    assert loaded.card.startswith("# Tiny")


def test_an_artifact_of_format_1_still_loads_and_claims_nothing_that_it_does_not_know(tmp_path):
    loaded = Artifact.load(tiny.write(tmp_path / "old", version=1))
    assert loaded.classes == ("not_fractured", "fractured")
    assert (loaded.map_kind, loaded.shows_regions) == ("activation", False)
    assert (loaded.predictions, loaded.seen) == ((), ())


def test_a_model_of_many_classes_has_no_operating_points(tmp_path):
    rows = [
        row.__class__(row.item, row.group, "hip", "test", None, (0.1, 2.0, 0.0, -1.0), None, row.facts)
        for row in tiny.rows(4, 0)
    ]
    parts = {"task": "body_part", "classes": ["hand", "hip", "leg", "shoulder"], "map": "none", "table": rows}
    files = tiny.files(**parts, operating_points=None)
    with np.load(io.BytesIO(files["golden.npz"])) as golden:
        arrays = dict(golden)
    arrays["logits"] = np.zeros((4, 4), np.float32)
    files |= {
        "golden.npz": tiny.arrays(**arrays),
        "head.npz": tiny.arrays(kernel_0=np.zeros((4, 4), np.float32), bias_0=np.zeros(4, np.float32)),
    }
    artifact.write(tmp_path / "parts", files)
    loaded = Artifact.load(tmp_path / "parts")
    assert (loaded.classes, loaded.outputs, loaded.operating_points) == (("hand", "hip", "leg", "shoulder"), 4, None)
    artifact.write(tmp_path / "parts", files | {"head.npz": tiny.files()["head.npz"]})
    with pytest.raises(ArtifactError, match=r"head\.npz: expected 4 outputs\. Received: 1"):
        Artifact.load(tmp_path / "parts")


def test_loading_needs_no_tensorflow(folder):
    code = (
        "import sys, pathlib; from training.artifact import Artifact; Artifact.load(pathlib.Path(sys.argv[1]))\n"
        "sys.exit(', '.join({'tensorflow', 'keras', 'ai_edge_litert', 'matplotlib', 'h5py'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", artifact.FILES)
def test_a_changed_file_is_named(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=rf"{name}: expected sha256 [0-9a-f]{{64}}\. Received: [0-9a-f]{{64}}"):
        Artifact.load(folder)


def test_a_missing_file_is_named(folder):
    (folder / "head.npz").unlink()
    with pytest.raises(ArtifactError, match=r"head\.npz: expected sha256 .* Received: no file"):
        Artifact.load(folder)


def test_an_extra_file_is_named(folder):
    (folder / "weights.h5").write_bytes(b"")
    with pytest.raises(ArtifactError, match=r"weights\.h5.*extra file"):
        Artifact.load(folder)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/etc/hostname")], ids=["fifo", "link"])
def test_what_is_no_plain_file_is_not_opened(folder, make):
    (folder / "card.md").unlink()
    make(folder / "card.md")
    with pytest.raises(ArtifactError, match=r"card\.md: expected sha256 .* Received: no plain file"):
        Artifact.load(folder)


def test_checksums_must_be_there_and_cover_everything(folder):
    sums = folder / artifact.SUMS
    lines = sums.read_text().splitlines(keepends=True)
    sums.write_text("".join(line for line in lines if "scope.json" not in line))
    with pytest.raises(ArtifactError, match=r"SHA256SUMS: expected the files"):
        Artifact.load(folder)
    sums.write_text("".join(lines) + lines[0])
    with pytest.raises(ArtifactError, match=r"SHA256SUMS: expected the files"):
        Artifact.load(folder)
    sums.write_text("nonsense\n")
    with pytest.raises(ArtifactError, match="two blanks"):
        Artifact.load(folder)
    sums.write_text("x" * 100_000)
    with pytest.raises(ArtifactError, match="at most 65536 bytes"):
        Artifact.load(folder)
    sums.unlink()
    with pytest.raises(ArtifactError, match="expected a file SHA256SUMS"):
        Artifact.load(folder)


def config(**changes):
    return json.dumps(json.loads(tiny.files()["config.json"]) | changes).encode()


def golden(**changes):
    with np.load(io.BytesIO(tiny.files()["golden.npz"])) as stored:
        return tiny.arrays(**(dict(stored) | changes))


def bomb(shape, data=b""):
    """An array whose header promises more than there is."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("kernel.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": shape})
        file.write(data)
    return content.getvalue()


def renamed(name):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, b"")
    return content.getvalue()


NONSENSE = {
    "config is no object": ("config.json", b"[]", "JSON object"),
    "config is empty": ("config.json", b"{}", "all fields"),
    "config lacks a field": ("config.json", config().replace(b'"classes"', b'"klasses"'), "Missing: classes"),
    "config of the future": ("config.json", config(format=3), "format 1 or 2"),
    "format is a truth value": ("config.json", config(format=True), "format 1 or 2"),
    "config of format 1 with files of 2": ("config.json", config(format=1), "the files of format 1"),
    "NaN": ("config.json", config(temperature=float("nan")), "NaN, which is no number in JSON"),
    "infinity": ("config.json", config().replace(b'"temperature": 1.0', b'"temperature": 1e999'), "too large a number"),
    "temperature in words": ("config.json", config(temperature="warm"), "Expected a temperature of 0.05 to 20"),
    "temperature of 0": ("config.json", config(temperature=0), "Expected a temperature of 0.05 to 20"),
    "name of a page": ("config.json", config(name="x" * 5000), "name of 1 to 80 characters"),
    "name is a list": ("config.json", config(name=["x"]), "name of 1 to 80 characters"),
    "name with a line end": ("config.json", config(name="a\nb"), "name of 1 to 80 characters"),
    "task of the weather": ("config.json", config(task="weather"), "Expected one of the tasks"),
    "a hundred classes": (
        "config.json", config(task="body_part", classes=[f"c{n}" for n in range(100)]), "2 to 64 different words",
    ),
    "classes turned round": ("config.json", config(classes=["fractured", "not_fractured"]), "Expected the classes"),
    "no operating points": ("config.json", config(operating_points=None), "Expected operating points with two classes"),
    "points of other names": ("config.json", config(operating_points={"low": 0.1}), "lower and upper"),
    "points that cross": ("config.json", config(operating_points={"lower": 0.9, "upper": 0.1}), "0 <= lower <= upper"),
    "map by hearsay": ("config.json", config(map="guess"), "Expected a map of head, activation, none"),
    "regions perhaps": ("config.json", config(shows_regions="yes"), "shows_regions true or false"),
    "pictures of a wall": (
        "config.json", config(preprocessing={"algorithm": 1, "size": 100_000, "low": 1, "high": 99}), "16 to 4096",
    ),
    "preprocessing in words": (
        "config.json", config(preprocessing={"algorithm": 1, "size": "64", "low": 1, "high": 99}), "Expected numbers",
    ),
    "config without end": ("config.json", b'{"x": ' + b"[" * 200_000, "expected JSON"),
    "config of megabytes": ("config.json", b" " * 1_100_000 + b"{}", "at most 1000000 bytes"),
    "config in Latin-1": ("config.json", '{"name": "é"}'.encode("latin-1"), "UTF-8"),
    "scope is cut off": ("scope.json", b"{", "JSON"),
    "scope is empty": ("scope.json", b"{}", "fields"),
    "report with a NUL": ("report.json", b'{"summary": "\\u0000"}', "a NUL"),
    "card with a NUL": ("card.md", b"# Card\0", "a NUL"),
    "head is empty": ("head.npz", b"", "readable artifact"),
    "head is pickled": ("head.npz", tiny.arrays(kernel=np.array([print]), bias=0.0), "expected numbers in kernel"),
    "head promises terabytes": ("head.npz", bomb((10**12,)), "Received: an array of shape"),
    "head is a bomb": ("head.npz", bomb((64_000_000,), bytes(512_000_000)), "bytes together"),
    "head of thousands": ("head.npz", tiny.arrays(**{f"kernel_{n}": 0 for n in range(99)}), "at most 64 arrays"),
    "head leads elsewhere": ("head.npz", renamed("../../kernel.npy"), "plain names"),
    "head is not finite": ("head.npz", tiny.arrays(kernel=np.full(4, np.nan), bias=0.0), "finite numbers in kernel"),
    "head of several logits": (
        "head.npz", tiny.arrays(kernel_0=np.ones((4, 2)), bias_0=np.ones(2)), "expected 1 outputs. Received: 2",
    ),
    "head without layers": ("head.npz", tiny.arrays(), "expected dense layers"),
    "no golden case": (
        "golden.npz",
        golden(
            renditions=np.zeros((0, 64, 64), np.uint8), logits=np.zeros(0), feature_means=np.zeros((0, 4)),
            feature_maxima=np.zeros(0),
        ),
        "1 to 64 cases",
    ),
    "golden cases of another size": ("golden.npz", golden(renditions=np.zeros((4, 32, 32), np.uint8)), "1 to 64 cases"),
    "golden logits are missing": ("golden.npz", golden(logits=np.zeros(3)), "1 to 64 cases"),
    "predictions of columns": ("predictions.csv", b"a,b\n1,2\n", "Expected the columns item"),
    "predictions of another label": (
        "predictions.csv", tiny.files()["predictions.csv"].replace(b",fractured,", b",broken,"), "a label of",
    ),
    "predictions of two logits": (
        "predictions.csv",
        tiny.files()["predictions.csv"].split(b"\n")[0] + b"\ni,g,fractured,test,,1 2,,,,,,,,,\n",
        "expected 1 logits",
    ),
    "seen in another role": ("seen.csv", b"item,group,role\na,b,dreamt\n", "Expected a role"),
}  # fmt: skip


@pytest.mark.parametrize("case", NONSENSE.values(), ids=NONSENSE.keys())
def test_consistent_nonsense_is_refused_too(tmp_path, case):
    name, content, words = case
    artifact.write(tmp_path / "other", tiny.files() | {name: content})
    with pytest.raises(ArtifactError) as refused:
        Artifact.load(tmp_path / "other")
    assert words in str(refused.value)
    assert len(str(refused.value)) < 1000


def test_writing_refuses_foreign_files_and_folders(folder, tmp_path):
    files = dict.fromkeys(artifact.FILES, b"")
    with pytest.raises(ArtifactError, match="expected the files"):
        artifact.write(tmp_path / "new", {**files, "more.txt": b""})
    (folder / "mine.txt").write_text("do not lose me")
    with pytest.raises(ArtifactError, match=r"mine\.txt"):
        artifact.write(folder, files)
    assert (folder / "mine.txt").read_text() == "do not lose me"


def test_writing_replaces_an_older_artifact(folder, tmp_path):
    before = artifact.verify(folder)
    tiny.write(folder, card="# Newer\n")
    assert artifact.verify(folder) != before
    assert [path.name for path in tmp_path.iterdir()] == ["artifact"]


def test_a_full_disk_leaves_nothing_half_written(folder, tmp_path):
    before = artifact.verify(folder)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        for place in (folder, tmp_path / "new"):
            with pytest.raises(ArtifactError, match=r"expected to write an artifact.*nothing was changed"):
                tiny.write(place, card="# Newer\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert artifact.verify(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["artifact"]


def test_a_folder_that_cannot_be_moved_comes_back(folder, monkeypatch):
    before = artifact.verify(folder)
    rename = os.rename

    def failing(source, target):
        if os.fspath(source).endswith("/artifact") and ".artifact-" in os.fspath(source):
            raise OSError("no")
        rename(source, target)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(ArtifactError, match="nothing was changed"):
        tiny.write(folder, card="# Newer\n")
    assert artifact.verify(folder) == before
    shutil.rmtree(folder)
