"""The learned scope: what a model's radiographs look like, and what is refused or spoken of with caution."""

import io

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression

from training.likeness import CAUTIONS, Likeness, description, reading
from training.likeness.space import Space, remoteness
from training.likeness.surface import BLOCKS, shown_share, surface

SIDE, COUNT = 96, 220
PARTS = ("hand", "leg")


def limb(random, part, *, has_metal=False):
    """Draw a soft limb with a bone in it on black: a hand lies, a leg stands."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    along, across = (columns, rows) if part == "hand" else (rows, columns)
    across = across - random.normal(0, 0.04) - 0.15 * along * random.normal()
    width = random.uniform(0.12, 0.2)
    picture = 90 * np.exp(-((across / width) ** 4)) + 110 * np.exp(-((across / width * 2.5) ** 2))
    picture[np.abs(along) > random.uniform(0.4, 0.5)] = 0
    if has_metal:
        picture[(np.abs(across) < 0.03) & (np.abs(along) < 0.15)] = 255
    noisy = picture + random.normal(0, 2, picture.shape) * (picture > 5)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def answered(rendition, part, random, *, has_metal=False):
    """Return features (2, 2, 6) that know the part and metal, as a network that was taught would answer."""
    usual = np.array([part == "hand", part == "leg", has_metal, 1, rendition.mean() / 255, 0], np.float32)
    return np.abs(usual + random.normal(0, 0.1, (2, 2, 6))).astype(np.float32)


def patients(seed, count=COUNT):
    """Return (rendition, features, part, has_metal) of drawn limbs, one with metal in four."""
    random = np.random.default_rng(seed)
    for number in range(count):
        part, has_metal = PARTS[number % 2], number % 4 == 3 or number % 8 == 0
        rendition = limb(random, part, has_metal=has_metal)
        yield rendition, answered(rendition, part, random, has_metal=has_metal), part, has_metal


def taught(cases):
    rows = np.stack([description(features, rendition) for rendition, features, _, _ in cases])
    groups = [f"g{number // 2}" for number in range(len(cases))]
    traits = {"hardware": [has_metal for *_, has_metal in cases], "multiscan": [False] * len(cases)}
    return rows, Likeness.fit(rows, [part for *_, part, _ in cases], groups, traits=traits)


@pytest.fixture(scope="module")
def fitted():
    """Descriptions of limbs, and what was learned of them."""
    return taught(list(patients(1)))


@pytest.fixture(scope="module")
def learned(fitted):
    return fitted[1]


def test_a_surface_is_measured_of_any_picture():
    random = np.random.default_rng(0)
    for picture in (np.zeros((64, 64)), np.full((64, 64), 255), random.integers(0, 256, (300, 300))):
        measures = surface(picture.astype(np.uint8))
        assert measures.shape == (sum(BLOCKS),)
        assert np.isfinite(measures).all()
    assert shown_share(surface(np.full((64, 64), 255, np.uint8))) == 0
    assert shown_share(surface(random.integers(20, 220, (192, 192)).astype(np.uint8))) > 0.9


def test_a_white_surround_is_the_same_film_as_a_black_one():
    dark = limb(np.random.default_rng(3), "leg")
    dark[:8] = dark[:, :8] = 0
    light = dark.copy()
    light[:, :4] = light[:4] = 255
    assert shown_share(surface(light)) == shown_share(surface(dark)) < 0.6
    assert surface(light) == pytest.approx(surface(dark), abs=1e-4)


def test_distances_are_those_of_the_textbook():
    random = np.random.default_rng(1)
    rows = (random.normal(0, 1, (400, 5)) @ random.normal(0, 1, (5, 5))).astype(np.float32)
    space = Space.fit(rows, (2, 3), axes=5)
    centred = rows - rows.mean(0)
    oracle = np.einsum("ni,ij,nj->n", centred, np.linalg.inv(np.cov(rows.T, bias=True)), centred)
    assert space.spread(rows) == pytest.approx(oracle, rel=1e-2, abs=1e-3)
    assert space.residual(rows) == pytest.approx(np.zeros(400), abs=1e-4)
    few = Space.fit(rows, (2, 3), axes=2)
    standard = (rows - few.mean) / few.scale
    assert few.residual(rows) == pytest.approx(((standard - standard @ few.axes @ few.axes.T) ** 2).sum(1), abs=1e-4)
    scores = few.scores(rows)
    distances = np.sort(((scores[:, None] - scores[None]) ** 2).sum(2), axis=1)
    assert remoteness(scores, scores) == pytest.approx(distances[:, 3:6].mean(1), abs=1e-4)


def test_a_reading_is_logistic_regression():
    random = np.random.default_rng(2)
    rows = random.normal(0, 1, (300, 4)).astype(np.float32)
    target = rows @ [1.0, -2.0, 0.5, 0.0] + random.normal(0, 1, 300) > 0.3
    weights = reading.fit(rows, target[:, None])
    oracle = LogisticRegression(C=1 / 5, tol=1e-8, max_iter=500).fit(rows, target)
    assert weights[:, 0] == pytest.approx([*oracle.coef_[0], oracle.intercept_[0]], abs=2e-3)
    assert reading.logits(rows, weights)[:, 0] == pytest.approx(oracle.decision_function(rows), abs=1e-2)


def test_radiographs_of_the_same_kind_are_assessed(fitted):
    rows, learned = fitted
    assert (learned.strangeness(rows) > 1).mean() <= 0.03
    judged = [learned.judge(features, rendition, PARTS) for rendition, features, *_ in patients(2, 60)]
    refused = [judgement.reason for judgement in judged if judgement.reason]
    assert len(refused) <= 3, refused


def test_metal_gives_a_caution_and_is_assessed(learned):
    assert learned.traits == ("hardware",)
    pairs = [(learned.judge(*case[1::-1], PARTS), case[3]) for case in patients(4, 40)]
    told = {has_metal: [CAUTIONS["hardware"] in said.caution for said, is_so in pairs if is_so == has_metal]
            for has_metal in (True, False)}  # fmt: skip
    assert np.mean(told[True]) > 0.8
    assert np.mean(told[False]) < 0.2
    assert not any(said.reason and said.caution and said.reason.code == "unlike" for said, _ in pairs)


def something_else(name):
    random = np.random.default_rng(5)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return {
        "noise": random.integers(0, 256, (SIDE, SIDE)),
        "page": np.where((rows // 4 % 3 == 0) & (random.random((SIDE, SIDE)) < 0.5), 20, 230),
        "sky": rows * 2 + 30 * np.sin(columns / 5),
        "board": (rows // 12 + columns // 12) % 2 * 200 + 20,
        "film": 255 - limb(random, "leg"),
    }[name]


@pytest.mark.parametrize("name", ["noise", "page", "sky", "board", "film"])
def test_other_pictures_are_refused_whatever_the_network_says(learned, name):
    picture = something_else(name)
    rendition = np.clip(picture, 0, 255).astype(np.uint8)
    features = answered(rendition, "leg", np.random.default_rng(6))
    reason = learned.judge(features, rendition, PARTS).reason
    assert reason is not None
    assert reason.code == "unlike"
    assert reason.sentence == (
        "not assessed: it does not look like a radiograph of hand, wrist or forearm; leg, knee, ankle or foot"
    )


def test_features_that_were_never_seen_are_refused(learned):
    random = np.random.default_rng(7)
    rendition = limb(random, "leg")
    usual = answered(rendition, "leg", random)
    strange = usual.copy()
    strange[..., 5] += 9
    assert learned.judge(usual, rendition, PARTS).reason is None
    assert learned.judge(strange, rendition, PARTS).reason.code == "unlike"


def test_a_part_that_was_not_evaluated_is_refused_by_its_pixels(learned):
    cases = list(patients(8, 60))
    legs = [case for case in cases if case[2] == "leg"]
    hands = [case for case in cases if case[2] == "hand"]
    reasons = [learned.judge(features, rendition, ("leg",)).reason for rendition, features, *_ in hands]
    seen = [reason for reason in reasons if reason and reason.code == "part_seen"]
    assert len(seen) >= 0.9 * len(hands)
    assert seen[0].sentence == (
        "not assessed: it looks like a radiograph of hand, wrist or forearm; this model was not evaluated on it"
    )
    assert sum(learned.judge(case[1], case[0], ("leg",)).reason is not None for case in legs) <= 0.08 * len(legs)


def test_a_picture_without_anything_is_refused_even_where_nothing_was_learned(learned):
    nothing = Likeness.fit(np.zeros((5, sum(BLOCKS) + 6), np.float32), ["hand"] * 5)
    even, features = np.full((SIDE, SIDE), 7, np.uint8), np.ones((2, 2, 6), np.float32)
    for likeness in (learned, nothing):
        assert likeness.judge(features, even, PARTS).reason.code == "blank"
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE)).astype(np.uint8)
    assert nothing.judge(features, noise, PARTS).reason is None
    assert nothing.arrays() == {}
    assert Likeness.from_arrays({}) == nothing


def stored(learned):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **learned.arrays())
    with np.load(io.BytesIO(buffer.getvalue()), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def test_what_is_stored_judges_alike(learned):
    again = Likeness.from_arrays(stored(learned))
    assert (again.parts, again.traits, again.channels) == (learned.parts, learned.traits, 6)
    rows = np.stack([description(features, rendition) for rendition, features, *_ in patients(9, 24)])
    assert again.strangeness(rows) == pytest.approx(learned.strangeness(rows), rel=0.02)
    for rendition, features, *_ in patients(9, 20):
        assert again.judge(features, rendition, ("leg",)).reason == learned.judge(features, rendition, ("leg",)).reason


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("bounds", None, "an array 'bounds'"),
        ("surfaces_axes", lambda values: values[:-1], "measures"),
        ("features_mean", lambda values: values[:-1], "measures"),
        ("features_scale", lambda values: values * 0, "above 0"),
        ("known", lambda values: values[:, :-1], "known pictures"),
        ("weights", lambda values: values[:-1], "weights"),
        ("weights", lambda values: values[:, :-1], "kinds"),
        ("margins", lambda values: values[:-1], "margins"),
        ("bounds", lambda values: -values, "bounds above 0"),
        ("traits", lambda values: np.array(["<b>"]), "traits"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(learned, name, change, words):
    arrays = stored(learned)
    if change is None:
        del arrays[name]
    else:
        arrays[name] = change(arrays[name])
    with pytest.raises(ValueError, match=words):
        Likeness.from_arrays(arrays)


def test_the_same_pictures_teach_the_same(learned):
    first, second = learned.arrays(), taught(list(patients(1)))[1].arrays()
    assert set(first) == set(second)
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_a_size_of_rendition_matters_little():
    picture = Image.fromarray(limb(np.random.default_rng(3), "leg")).resize((384, 384), Image.Resampling.BICUBIC)
    large, small = np.asarray(picture), np.asarray(picture.resize((192, 192), Image.Resampling.BOX))
    assert surface(large) == pytest.approx(surface(small), abs=0.35)
