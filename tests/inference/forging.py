"""Ways to spoil an artifact: files, words, arrays and golden cases, each with the words with which it is refused."""

from __future__ import annotations

import io
import json
import os
import zipfile

import numpy as np

from tests import tiny
from training import artifact

CASES = {}


def hostile(words):
    """Register a way to spoil an artifact's folder, and the words with which it must be refused."""

    def keep(forge):
        CASES[forge.__name__] = (forge, words)
        return forge

    return keep


def again(folder, **files):
    """Sign the artifact anew around other files: whoever forges an artifact can do that too."""
    present = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != artifact.SUMS}
    artifact.write(folder, present | files)


# The folder


@hostile("plain files of the format")
def link(folder):
    (folder / "card.md").unlink()
    (folder / "card.md").symlink_to("/etc/passwd")


@hostile("plain files of the format")
def pipe(folder):
    (folder / "card.md").unlink()
    os.mkfifo(folder / "card.md")


@hostile("plain files of the format")
def subfolder(folder):
    (folder / "card.md").unlink()
    (folder / "card.md").mkdir()


@hostile("plain files of the format")
def program(folder):
    (folder / "run.py").write_text("print('hello')")


@hostile("at most 2000000000 bytes")
def terabytes(folder):
    os.truncate(folder / "card.md", 10**12)


@hostile("model.tflite: expected sha256")
def changed(folder):
    (folder / "model.tflite").write_bytes(b"something else")


@hostile("model.tflite: expected sha256")
def missing(folder):
    (folder / "model.tflite").unlink()


@hostile("SHA256SUMS: expected the files")
def escape(folder):
    sums = (folder / "SHA256SUMS").read_text()
    (folder / "SHA256SUMS").write_text(sums.replace("card.md", "../card.md"))


@hostile("SHA256SUMS: expected the files")
def absolute_path(folder):
    sums = (folder / "SHA256SUMS").read_text()
    (folder / "SHA256SUMS").write_text(sums.replace("card.md", "/etc/passwd"))


# Its texts


def config(folder, **changes):
    again(folder, **{"config.json": json.dumps(json.loads((folder / "config.json").read_text()) | changes).encode()})


@hostile("Expected one of the tasks")
def other_task(folder):
    config(folder, task="weather")


@hostile("Expected a temperature")
def temperature_in_words(folder):
    config(folder, temperature="1.0; DROP TABLE")


@hostile("NaN, which is no number")
def not_a_number(folder):
    config(folder, temperature=float("nan"))


@hostile("at most 1000000 bytes")
def endless_config(folder):
    config(folder, note="x" * 2_000_000)


@hostile("expected JSON")
def deep_report(folder):
    again(folder, **{"report.json": b'{"x":' + b"[" * 100_000})


@hostile("a NUL")
def nul_in_a_table(folder):
    again(folder, **{"seen.csv": b"item,group,role\na\0,b,train\n"})


# Its arrays


@hostile("expected numbers in kernel.npy. Received: object")
def pickle(folder):
    again(folder, **{"head.npz": tiny.arrays(kernel=np.array([print], dtype=object), bias=0.0)})


@hostile("256000000 bytes together")
def bomb(folder):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("kernel.npy", bytes(300_000_000))
    again(folder, **{"head.npz": content.getvalue()})


@hostile("plain names")
def array_elsewhere(folder):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("../../kernel.npy", b"")
    again(folder, **{"golden.npz": content.getvalue()})


# Golden cases


def golden(folder, **changes):
    with np.load(folder / "golden.npz") as stored:
        arrays = dict(stored)
    again(folder, **{"golden.npz": tiny.arrays(**arrays | {name: change(arrays) for name, change in changes.items()})})


@hostile("golden case 0: expected logit")
def other_answers(folder):
    golden(folder, logits=lambda arrays: arrays["logits"] + np.float32(2e-4))


@hostile("golden case 0: expected the same features")
def other_features(folder):
    golden(folder, feature_means=lambda arrays: arrays["feature_means"] * 1.1)


@hostile("1 to 64 cases")
def no_golden_case(folder):
    golden(folder, **dict.fromkeys(("renditions", "logits", "feature_means", "feature_maxima"), lambda arrays: []))
