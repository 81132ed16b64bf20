"""How fast pixels come: from the click in the worklist, and when the next study is at hand already.

Run by ``pytest tests/browser/test_viewer_speed.py -m long -s``. The figures are this machine's, drawn by a software
renderer. What is asked of them is the goal, 1.5 s from the click to the pixels of five megapixels, where the machine is
free; where it is not, as much more as a fixed piece of work takes longer in the same browser between the clicks.
"""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from pydicom.uid import JPEGLSLossless

from bonefrac.accounts.models import Role
from studies.intake.details import Details
from tests import factories_intake as files
from tests import factories_studies as make
from tests.browser import desk, harness

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.django_db(transaction=True),
]
ROWS, COLUMNS, STUDIES, TURNS = 2560, 2048, 3, 5
GOAL_MS = 1500
#: What the fixed work takes of one core's own time.
FREE_MS = 400
# The first time that pixels at full depth are on the canvas, as the page itself sees it.
SEEN = """(() => {
    if (!location.pathname.endsWith("/read/")) return;
    const watcher = new MutationObserver(() => {
        if (!document.querySelector(".stage[data-ready=full][data-drawn]")) return;
        watcher.disconnect();
        requestAnimationFrame(() => (window.seenAt = performance.timeOrigin + performance.now()));
    });
    watcher.observe(document, { subtree: true, childList: true, attributes: true });
})()"""
# A worker and the page, both busy with the same sum, as both are when a picture is decoded beside the engine's start.
FIXED = """async () => {
    const sum = "let s = 0; for (let i = 0; i < 7.5e7; i += 1) s = (s * 31 + i) | 0;";
    const began = performance.now();
    const worker = new Worker(URL.createObjectURL(new Blob([sum + "postMessage(s)"])));
    const done = new Promise((resolve) => (worker.onmessage = resolve));
    let s = 0;
    for (let i = 0; i < 7.5e7; i += 1) s = (s * 31 + i) | 0;
    await done;
    worker.terminate();
    return performance.now() - began;
}"""
NEXT = """async ([data, count]) => {
    const began = performance.now();
    window.bonefrac.viewer.load(data);
    const first = data.images[0].id;
    const isDrawn = () =>
        document.getElementById("viewer").dataset.image === first &&
        document.querySelectorAll(".stage[data-ready=full][data-drawn]").length === count;
    while (!isDrawn()) await new Promise(requestAnimationFrame);
    return performance.now() - began;
}"""


def noisy(seed):
    """Five megapixels of 12 bits that do not compress to nothing."""
    noise = np.random.default_rng(seed).integers(-24, 25, (ROWS, COLUMNS))
    return np.clip(harness.bone(ROWS, COLUMNS).astype(int) + noise, 0, 4095).astype(np.uint16)


def handed_in(uploader, site, seed):
    import jpeg_ls

    pixels = noisy(seed)
    content = files.encapsulated(bytes(jpeg_ls.encode_array(pixels)), JPEGLSLossless, pixels)
    (file,) = files.hand_in(uploader, site, content, details=Details(patient_code=f"speed-{seed}"))
    return file.study


LINK = """address => {
    const link = document.createElement("a");
    Object.assign(link, { href: address, id: "go", textContent: "go" });
    document.body.prepend(link);
}"""
DATA = """async address => {
    const html = await (await fetch(address)).text();
    const page = new DOMParser().parseFromString(html, "text/html");
    return JSON.parse(page.getElementById("reading-data").textContent);
}"""
NOW = "() => performance.timeOrigin + performance.now()"


def test_five_megapixels_from_the_click_and_from_memory(visit):
    site = make.site()
    reader, uploader = make.reader(site), make.person(site, Role.UPLOADER)
    studies = [handed_in(uploader, site, seed) for seed in range(STUDIES)]
    clicked, fixed = [], []
    for study in studies:
        page = visit(reader, "/", script=SEEN)  # a browser context of its own: nothing in its cache
        fixed.append(page.evaluate(FIXED))
        page.evaluate(LINK, desk.address(study))
        began = page.evaluate(NOW)
        page.click("#go")
        page.wait_for_function("() => window.seenAt")
        clicked.append(page.evaluate("() => window.seenAt") - began)
    told = [page.evaluate(DATA, desk.address(study)) for study in studies[:2]]
    following = []
    for turn in range(TURNS * 2):
        data = told[turn % 2]
        page.evaluate("images => window.bonefrac.viewer.prefetch(images)", data["images"])
        page.wait_for_function("id => window.bonefrac.viewer.store.has({ id })", arg=data["images"][0]["id"])
        following.append(page.evaluate(NEXT, [data, len(data["hanging"])]))
    print(f"\nfrom click to pixels at full depth, 5 megapixels, cold: {[round(value) for value in clicked]} ms")
    print(f"the fixed work beside it: {[round(value) for value in fixed]} ms")
    print(f"next study, fetched before: median {statistics.median(following):.0f} ms, worst {max(following):.0f} ms")
    allowed = GOAL_MS * max(1.0, min(fixed) / FREE_MS)
    assert min(clicked) <= allowed, (min(clicked), allowed)
    assert statistics.median(following) < min(clicked) / 2
