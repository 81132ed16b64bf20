import hashlib
import stat

import pytest

from bonefrac.stores import Store


@pytest.fixture
def store():
    return Store("frames")


def test_a_file_is_named_by_its_content_and_private(store):
    key = store.put(b"pixels")
    assert key == hashlib.sha256(b"pixels").hexdigest()
    assert store.put(b"pixels") == key
    assert store.read(key) == b"pixels"
    assert stat.S_IMODE(store.path(key).stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path(key).parent.stat().st_mode) == 0o700


def test_a_stream_and_its_bytes_have_one_key(store):
    key, length = store.put_stream(iter([b"pix", b"els"]))
    assert (key, length) == (store.put(b"pixels"), 6)
    assert [path.name for path in store.root.rglob("*") if path.is_file()] == [key]


def test_a_broken_stream_leaves_nothing(store):
    def chunks():
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        store.put_stream(chunks())
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "A" * 64, "0" * 63])
def test_what_is_no_key_leads_nowhere(store, key):
    with pytest.raises(ValueError, match="expected a sha256"):
        store.read(key)
