import pytest

from bonefrac.env import ConfigurationError, Environment


def test_every_fault_is_named_at_once():
    env = Environment({"COUNT": "many", "MODE": "sideways", "OPEN": "perhaps"})
    env.number("COUNT", 3, low=1)
    env.choice("MODE", ("up", "down"), "up")
    env.flag("OPEN", False)
    env.required("SECRET", "signs sessions")
    with pytest.raises(ConfigurationError) as refused:
        env.verify()
    for word in ("COUNT", "'many'", "MODE", "'sideways'", "OPEN", "SECRET is not set (signs sessions)"):
        assert word in str(refused.value)


def test_good_values_pass():
    env = Environment({"COUNT": "7", "OPEN": "yes", "NAMES": "a, b,,c"})
    assert env.number("COUNT", 3) == 7
    assert env.flag("OPEN", False) is True
    assert env.names("NAMES", []) == ["a", "b", "c"]
    env.verify()


@pytest.mark.parametrize("raw", ["0", "11"])
def test_a_number_out_of_bounds_is_a_fault(raw):
    env = Environment({"COUNT": raw})
    assert env.number("COUNT", 3, low=1, high=10) == 3
    with pytest.raises(ConfigurationError):
        env.verify()
