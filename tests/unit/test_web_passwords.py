"""Passwords that others know: those on the authority's list of leaked ones, and those of the service's own words."""

from __future__ import annotations

import hashlib

import pytest
from django.contrib.auth.password_validation import get_password_validators, validate_password
from django.core.exceptions import ValidationError

from sightline.vocabulary.errors import BadSetting
from sightline.web.accounts.passwords import Breached, OwnWords, checked_list, leaked

LEAKED = [f"a leaked passphrase {n}" for n in range(200)]
PADDING = "of no password at all"


def sha1(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


@pytest.fixture(params=["file", "bare file", "folder"])
def held(request, tmp_path):
    """A list in each form it may have."""
    hashes = sorted(map(sha1, [*LEAKED, PADDING]))
    counted = {h: 0 if h == sha1(PADDING) else 3 for h in hashes}
    if request.param == "folder":
        ranges = {h[:5]: [] for h in hashes} | {"00000": [], "FFFFF": []}
        for h in hashes:
            ranges[h[:5]].append(f"{h[5:]}:{counted[h]}\n")
        for prefix in ranges:
            (tmp_path / f"{prefix}.txt").write_text("".join(ranges[prefix]), encoding="ascii")
        return tmp_path
    ends = ("\r\n", lambda h: f":{counted[h]}") if request.param == "file" else ("\n", lambda h: "")
    text = "".join(h + ends[1](h) + ends[0] for h in hashes if request.param == "file" or counted[h])
    (tmp_path / "pwned.txt").write_bytes(text.encode())
    return tmp_path / "pwned.txt"


def test_a_leaked_password_is_refused_in_either_form_of_the_list(held):
    validator = Breached(checked_list(str(held)))
    for password in LEAKED:
        with pytest.raises(ValidationError, match="data breach"):
            validator.validate(password)
    assert not leaked(PADDING, held)
    for n in range(200):
        known = f"{sha1(f'my own passphrase {n}')[:5]}.txt"
        if held.is_file() or (held / known).is_file():
            validator.validate(f"my own passphrase {n}")


def test_a_password_that_cannot_be_checked_is_not_let_through(tmp_path):
    (tmp_path / "pwned.txt").write_text(f"{sha1('x')}:1\n")
    validator = Breached(checked_list(str(tmp_path / "pwned.txt")))
    (tmp_path / "pwned.txt").unlink()
    with pytest.raises(ValidationError, match="cannot be read"):
        validator.validate("nobody knows this passphrase")
    for name in ("00000.txt", "FFFFF.txt"):
        (tmp_path / name).touch()
    with pytest.raises(ValidationError, match="cannot be read"):
        Breached(checked_list(str(tmp_path))).validate("nobody knows this passphrase")


@pytest.mark.parametrize(
    "content", ["", "password\n", f"{sha1('b')}:1\n{sha1('a')}:1\n" * 40, None], ids=["empty", "plain", "unsorted", "none"]
)  # fmt: skip
def test_what_is_no_list_is_refused_at_the_start(tmp_path, content):
    place = tmp_path / "list.txt"
    if content is not None:
        place.write_text(content)
    with pytest.raises(BadSetting, match="SIGHTLINE_BREACHED_PASSWORDS must be"):
        checked_list(str(place))
    with pytest.raises(BadSetting, match="not whole"):
        checked_list(str(tmp_path))


@pytest.mark.parametrize(
    ("password", "fine"),
    [
        ("Sightline2026!!!", False),
        ("ANYTOWN-sightline-1", False),
        ("virtual.school.2026", False),
        ("sightlineanytownx", False),
        ("correct horse sightline battery", True),
        ("an ordinary passphrase", True),
        ("123456789012345", True),
    ],
)
def test_a_password_of_the_service_s_own_words_is_refused(password, fine):
    from sightline.web.settings import _own_words

    validator = OwnWords(_own_words("Sightline", ["vs.anytown.example"], "Anytown, Wolds"))
    if fine:
        validator.validate(password)
        return
    with pytest.raises(ValidationError, match="everybody here knows"):
        validator.validate(password)


def test_the_settings_ask_for_fifteen_characters_and_for_words_of_ones_own(settings):
    validators = get_password_validators(settings.AUTH_PASSWORD_VALIDATORS)
    for password, says in (("fourteen chars", "too short"), ("Sightline-2026-!!", "everybody here knows")):
        with pytest.raises(ValidationError, match=says):
            validate_password(password, password_validators=validators)
    validate_password("violet tractor umbrella", password_validators=validators)
