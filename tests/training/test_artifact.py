"""An artifact is exactly what its checksums say, or it is refused."""

import json
import shutil
import subprocess
import sys

import pytest

from training import artifact
from training.artifact import Artifact, ArtifactError

from .conftest import ROOT


@pytest.fixture
def copy(packed, tmp_path):
    """An artifact that may be spoilt."""
    return shutil.copytree(packed, tmp_path / "artifact")


def test_loads_what_was_packed(packed):
    loaded = Artifact.load(packed)
    config = json.loads((packed / "config.json").read_text())
    assert (loaded.name, loaded.version, loaded.task, loaded.network) == ("bars", "1", "fracture", "tiny")
    assert loaded.temperature == config["temperature"] > 0
    assert loaded.operating_points.lower == config["operating_points"]["lower"]
    assert loaded.preprocessing.size == 64
    assert loaded.head.kernel.shape == (32,)
    assert loaded.golden.renditions.shape == (4, 64, 64)
    assert loaded.sha256 == artifact.verify(packed)
    assert len(loaded.sha256) == 64
    assert loaded.scope.body_parts == ("hand", "hip", "leg")
    assert loaded.scope.not_evaluated
    assert loaded.model_file.is_file()
    assert loaded.keras_file.is_file()
    assert "Not a medical device" in loaded.card


def test_loading_needs_no_tensorflow(packed):
    code = (
        "import sys, pathlib; from training.artifact import Artifact; Artifact.load(pathlib.Path(sys.argv[1]))\n"
        "sys.exit(', '.join({'tensorflow', 'keras', 'ai_edge_litert', 'matplotlib'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(packed)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", artifact.FILES)
def test_a_changed_file_is_named(copy, name):
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=rf"{name}: expected sha256 [0-9a-f]{{64}}\. Received: [0-9a-f]{{64}}"):
        Artifact.load(copy)


def test_a_missing_file_is_named(copy):
    (copy / "head.npz").unlink()
    with pytest.raises(ArtifactError, match=r"head\.npz: expected sha256 .* Received: no file"):
        Artifact.load(copy)


def test_an_extra_file_is_named(copy):
    (copy / "weights.h5").write_bytes(b"")
    with pytest.raises(ArtifactError, match=r"weights\.h5.*extra file"):
        Artifact.load(copy)


def test_checksums_must_be_there_and_cover_everything(copy):
    sums = copy / artifact.SUMS
    lines = sums.read_text().splitlines(keepends=True)
    sums.write_text("".join(line for line in lines if "scope.json" not in line))
    with pytest.raises(ArtifactError, match=r"SHA256SUMS: expected the files"):
        Artifact.load(copy)
    sums.write_text("nonsense\n")
    with pytest.raises(ArtifactError, match="two blanks"):
        Artifact.load(copy)
    sums.unlink()
    with pytest.raises(ArtifactError, match="expected a file SHA256SUMS"):
        Artifact.load(copy)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("config.json", b"{}", "all fields"),
        ("config.json", b"[]", "JSON object"),
        ("scope.json", b"{", "JSON"),
        ("scope.json", b"{}", "fields"),
        ("head.npz", b"", "readable artifact"),
    ],
)
def test_consistent_nonsense_is_refused_too(copy, tmp_path, name, content, words):
    files = {file: (copy / file).read_bytes() for file in artifact.FILES} | {name: content}
    artifact.write(tmp_path / "other", files)
    with pytest.raises(ArtifactError, match=words):
        Artifact.load(tmp_path / "other")


def test_writing_refuses_foreign_files_and_folders(copy, tmp_path):
    files = {name: b"" for name in artifact.FILES}
    with pytest.raises(ArtifactError, match="expected the files"):
        artifact.write(tmp_path / "new", {**files, "more.txt": b""})
    (copy / "mine.txt").write_text("do not lose me")
    with pytest.raises(ArtifactError, match=r"mine\.txt"):
        artifact.write(copy, files)
    assert (copy / "mine.txt").read_text() == "do not lose me"
