"""What inference costs, as ratios inside one run: against bare calls of the same engines on the same machine.

Run by ``script/test --long`` or ``pytest tests/bench -m long -s``; prints the figures. Medians of interleaved runs,
since the machine has other work.
"""

from __future__ import annotations

import io
import json
import statistics
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from PIL import Image

from inference import assessment, jobs, places, radiographs, registry, renditions
from inference.models import Prediction
from inference.states import JobStatus
from tests.factories_inference import grey_radiograph
from tests.worker.conftest import broker, start_worker, wait_for  # noqa: F401  fixtures of another folder
from training import artifact as artifacts
from training.artifact import Artifact
from training.frames import decode_jpeg

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
MEGABYTE = 1_000_000


@pytest.fixture
def shipped():
    if not places.shipped():
        pytest.skip("no shipped artifact is in the tree")
    return next(folder for folder in places.shipped() if Artifact.load(folder).task == "fracture")


@pytest.fixture
def active(db, shipped):
    return registry.promote(None, registry.register(None, shipped))


def interleaved(*calls, rounds=15):
    """Return the median milliseconds of each call, run in turn."""
    taken = [[] for _ in calls]
    for call in calls:
        call()
    for _ in range(rounds):
        for times, call in zip(taken, calls, strict=True):
            started = time.perf_counter()
            call()
            times.append((time.perf_counter() - started) * 1000)
    return [statistics.median(times) for times in taken]


def five_megapixels():
    """Return a JPEG of 2500 × 2000 that costs as much to decode as a radiograph."""
    generator = np.random.default_rng(5)
    coarse = generator.integers(0, 256, (125, 100)).astype(np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((2000, 2500), Image.Resampling.BICUBIC)).astype(np.float32)
    noisy = np.clip(smooth + generator.normal(0, 6, smooth.shape), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noisy).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def bare_litert(artifact):
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_path=str(artifact.model_file), num_threads=1).get_signature_runner()
    return lambda given: runner(image=given)


def test_the_worker_adds_little_to_a_bare_call(active, capsys):
    loaded = assessment.load(active)
    preprocessing = loaded.artifact.preprocessing
    square = loaded.artifact.golden.renditions[0]
    given = preprocessing.model_input(square)
    run = bare_litert(loaded.artifact)
    whole = lambda: assessment.assess(loaded, facts={}, shape=(2500, 2000), read=lambda: square)  # noqa: E731
    ours, bare = interleaved(whole, lambda: run(given), rounds=31)
    with capsys.disabled():
        print(f"\nmodel time with heat map {ours:.1f} ms, bare LiteRT {bare:.1f} ms: {ours / bare:.3f}")
    # The goal was 1.25 before a model also judged whether it may speak at all, which takes 3 ms.
    assert ours <= 1.45 * bare


KERAS = """
import json, statistics, sys, time
from pathlib import Path
import keras
import numpy as np
from inference.engine import load
from training.artifact import Artifact
artifact = Artifact.load(Path(sys.argv[1]))
lite, oracle = load(artifact, "litert"), load(artifact, "keras")
model = keras.saving.load_model(artifact.keras_file, compile=False)
logits, features, ours, theirs = [], [], [], []
for square in artifact.golden.renditions:
    given = artifact.preprocessing.model_input(square)
    a, b = lite.predict(given), oracle.predict(given)
    logits.append(float(abs(a.logits - b.logits).max()))
    features.append(float(np.abs(a.features - b.features).max() / b.features.max()))
model.predict(given, verbose=0)
for _ in range(15):
    started = time.perf_counter(); lite.predict(given); between = time.perf_counter()
    model.predict(given, verbose=0); ended = time.perf_counter()
    ours.append(between - started); theirs.append(ended - between)
print(json.dumps({"logit": max(logits), "features": max(features), "ours": 1000 * statistics.median(ours),
                  "keras": 1000 * statistics.median(theirs), "size": artifact.preprocessing.size}))
"""


def test_litert_answers_as_keras_does_and_much_faster(shipped, capsys):
    done = subprocess.run([sys.executable, "-c", KERAS, str(shipped)], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.strip().splitlines()[-1])
    with capsys.disabled():
        print(
            f"\n{found['size']} px: LiteRT {found['ours']:.1f} ms, model.predict {found['keras']:.1f} ms: "
            f"{found['ours'] / found['keras']:.3f}; "
            f"logits within {found['logit']:.1e}, features {found['features']:.1e}"
        )
    assert found["logit"] <= 1e-4
    assert found["features"] <= 1e-3
    assert found["ours"] <= (0.1 if found["size"] <= 224 else 0.2) * found["keras"]


def test_a_five_megapixel_jpeg_costs_little_more_than_its_decoding(active, capsys):
    content = five_megapixels()
    loaded = assessment.load(active)
    run = bare_litert(loaded.artifact)
    preprocessing = loaded.artifact.preprocessing

    def whole():
        frame = decode_jpeg(content)
        files = renditions.render(frame, radiographs.preprocessings())
        square = renditions.decode(files[preprocessing.digest])
        assessment.assess(loaded, facts={}, shape=(frame.rows, frame.columns), read=lambda: square)

    def floor():
        image = Image.open(io.BytesIO(content))
        image.draft("L", (2 * preprocessing.size, 2 * preprocessing.size))
        run(preprocessing.model_input(preprocessing.rendition(np.asarray(image))))

    ours, least = interleaved(whole, floor)
    with capsys.disabled():
        print(f"\n5 MP JPEG, decoded, rendered and predicted {ours:.0f} ms, draft decode and forward {least:.0f} ms: "
              f"{ours / least:.2f}")  # fmt: skip
    # The goal is 2. Exact shrinking to 512 px costs 10 ms more than a coarse one such as the floor's, and makes an
    # original and its small copy agree.
    assert ours <= 2.3 * least


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_small_soon_ready_and_answers_at_once(start_worker, shipped, tmp_path, capsys):  # noqa: F811
    first = registry.promote(None, registry.register(None, shipped))
    second = registry.register(None, renamed(shipped, tmp_path / "second"))
    worker = start_worker(OMP_NUM_THREADS="1")
    ready = worker.wait_until_ready()
    wait_for(lambda: worker.says("model_loaded"), what="the model")
    loaded = time.monotonic() - worker.started
    job = jobs.request(grey_radiograph(rows=1200, columns=1000), first)
    wait_for(lambda: ended(job), what="the first answer")
    first_answer = (job.finished_at - job.requested_at).total_seconds()
    models = [first, second] * 8
    several = [jobs.request(grey_radiograph(rows=1200, columns=1000), model) for model in models]
    wait_for(lambda: all(ended(each) for each in several), what="the others")
    child = max(worker.children, key=lambda process: process.memory_info().rss)
    resident = child.memory_info().rss / MEGABYTE
    libraries = {part.path for part in child.memory_maps()}
    with capsys.disabled():
        print(
            f"\nworker ready in {ready:.1f} s, model loaded {loaded:.1f} s after its start, first answer "
            f"{first_answer:.2f} s after it was asked, {resident:.0f} MB resident with two models, "
            f"parent {psutil.Process(worker.process.pid).memory_info().rss / MEGABYTE:.0f} MB"
        )
    assert Prediction.objects.count() == 17
    assert not [path for path in libraries if "tensorflow" in path.lower()]
    assert resident <= 250
    assert loaded <= 5
    assert first_answer <= 1


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_wait_no_longer_than_their_number(start_worker, shipped, capsys):  # noqa: F811
    active = registry.promote(None, registry.register(None, shipped))
    worker = start_worker(OMP_NUM_THREADS="1")
    worker.wait_until_ready()
    wait_for(lambda: worker.says("model_loaded"), what="the model")
    single = []
    for _ in range(9):
        job = jobs.request(grey_radiograph(rows=1200, columns=1000), active)
        wait_for(lambda job=job: ended(job))
        single.append((job.finished_at - job.requested_at).total_seconds())
    one = statistics.median(single)
    pictures = [grey_radiograph(rows=1200, columns=1000) for _ in range(8)]
    asked = [jobs.request(picture, active) for picture in pictures]
    wait_for(lambda: all(ended(job) for job in asked))
    last = (max(job.finished_at for job in asked) - min(job.requested_at for job in asked)).total_seconds()
    with capsys.disabled():
        print(f"\none {one * 1000:.0f} ms, eight at once {last * 1000:.0f} ms: {last / (8 * one):.2f} of linear")
    assert last <= 1.2 * 8 * one


def ended(job):
    job.refresh_from_db()
    return job.status == JobStatus.SUCCEEDED


def renamed(shipped, folder):
    """Return a second artifact with the same network."""
    loaded = Artifact.load(shipped)
    files = {name: (loaded.path / name).read_bytes() for name in artifacts.FILES}
    config = json.loads(files["config.json"]) | {"name": "second"}
    artifacts.write(folder, files | {"config.json": json.dumps(config).encode()})
    return folder
