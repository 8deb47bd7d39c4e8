"""A snapshot that another version made is refused by name, and a rebuild or a receive makes one that can be read."""

import json

import pytest

from sightline import operations, synthetic
from sightline.operations import Home
from sightline.vocabulary.errors import NothingHeld


@pytest.fixture
def home(tmp_path) -> Home:
    synthetic.synthesise(200, 4, tmp_path / "files", years=2)
    home = Home.open(tmp_path / "home")
    operations.receive(home, [tmp_path / "files" / "social_care" / "ssd"], by="test")
    manifest = home.path / "store" / "snapshots" / f"{home.store.current_id()}.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "shape": "of another version"}))
    return home


def test_it_is_refused_and_rebuilt(home):
    with pytest.raises(NothingHeld, match="sightline rebuild"):
        operations.opened(home)
    made = operations.rebuild(home, by="test")
    opened = operations.opened(home)
    assert opened.id == made.id
    assert opened.database.one("SELECT count(*) FROM counted_period") > 0


def test_receiving_the_same_bytes_makes_a_snapshot_that_can_be_read(home, tmp_path):
    receipt = operations.receive(home, [tmp_path / "files" / "social_care" / "ssd"], by="test")
    assert receipt.new
    assert {f.status for f in receipt.files} == {"held"}
    assert operations.opened(home).id == receipt.snapshot
