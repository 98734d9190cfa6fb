"""Where keys are published, as in the example of the draft."""

from postvak.crypto.wkd import places


def test_the_places_of_an_address_are_those_of_the_draft() -> None:
    tail = "hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe"
    assert places("Joe.Doe@Example.ORG") == (
        f"https://openpgpkey.example.org/.well-known/openpgpkey/example.org/{tail}",
        f"https://example.org/.well-known/openpgpkey/{tail}",
    )


def test_what_is_no_address_has_no_places() -> None:
    assert [places(one) for one in ("", "joe", "@example.org", "joe@")] == [(), (), (), ()]
