"""The audit page speaks in words and stays short."""

from bonefrac.audit.models import AuditEvent, Verb, in_words


def test_verbs_are_read_as_words():
    assert in_words(Verb.AI_DISCLOSED) == "AI disclosed"
    assert in_words(Verb.STUDY_HANDED_BACK) == "study handed back"


def test_of_a_list_its_length_is_shown():
    event = AuditEvent(verb=Verb.LIST_SHOWN, data={"studies": ["a", "b"], "mode": "blind"})
    assert event.details == [("studies", "2"), ("mode", "blind")]
