import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from bonefrac import keys


def test_a_key_is_made_once_and_private(tmp_path):
    first = keys.load_or_create(tmp_path, keys.PSEUDONYM)
    assert keys.load_or_create(tmp_path, keys.PSEUDONYM) == first
    assert len(first) >= 48
    assert stat.S_IMODE((tmp_path / "keys" / keys.PSEUDONYM).stat().st_mode) == 0o600
    assert keys.load_or_create(tmp_path, keys.SIGNING) != first


def test_processes_that_make_a_key_at_once_agree(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: keys.load_or_create(tmp_path, keys.SIGNING), range(32)))
    assert len(made) == 1
    assert [path.name for path in (tmp_path / "keys").iterdir()] == [keys.SIGNING]


def test_an_emptied_key_file_is_refused(tmp_path):
    keys.load_or_create(tmp_path, keys.PSEUDONYM)
    (tmp_path / "keys" / keys.PSEUDONYM).write_text("")
    with pytest.raises(RuntimeError, match="expected at least 32 characters"):
        keys.load_or_create(tmp_path, keys.PSEUDONYM)


def test_parts_of_a_context_cannot_be_shifted():
    assert keys.derive("secret", "ab", "c") != keys.derive("secret", "a", "bc")
    assert keys.derive("secret", "a") != keys.derive("other", "a")
    assert len(keys.derive("secret", "a")) == 32
