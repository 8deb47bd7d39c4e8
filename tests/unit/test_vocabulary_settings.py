"""Settings: read, refused, explained and written back."""

import tomllib

import pytest

from sightline.vocabulary import BadSetting, Settings


def written(tmp_path, text):
    path = tmp_path / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_usual_values():
    usual = Settings()
    assert usual.look_back_years == 6
    assert usual.precedence == ("looked after", "CP plan", "CIN plan")
    assert (usual.persistent_percent, usual.severe_percent) == (10, 50)
    assert usual.crossing_percents == (90, 50)


def test_an_empty_file_is_the_usual_values(tmp_path):
    assert Settings.from_toml(written(tmp_path, "")) == Settings()


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path):
    found = Settings.from_toml(written(tmp_path, 'authority = "999"\ncrossing_percents = [95, 90, 50]\n'))
    assert found == Settings(authority="999", crossing_percents=(95, 90, 50))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colour = 1", "There is no setting 'colour'"),
        ("[look_back_years]\nx = 1", "look_back_years is not right"),
        ("authority = 999", "authority is not right: it should be three digits"),
        ('authority = "99"', "authority is not right"),
        ("look_back_years = 0", "look_back_years is not right: it should be 1 to 25"),
        ("look_back_years = true", "look_back_years is not right"),
        ("look_back_years = 6.0", "look_back_years is not right"),
        ('drift_points = "5"', "drift_points is not right"),
        ("drift_points = nan", "drift_points is not right"),
        ('precedence = ["CP plan"]', "precedence is not right"),
        ('precedence = ["CP plan", "CP plan", "CIN plan"]', "precedence is not right"),
        ("crossing_percents = [50, 90]", "crossing_percents is not right"),
        ("crossing_percents = []", "crossing_percents is not right"),
        ("severe_percent = 5", "severe_percent is not right: it should be at least persistent_percent"),
        ("social_worker_roles = []", "social_worker_roles is not right"),
        ('social_worker_roles = ["CW", " "]', "social_worker_roles is not right"),
        ("authority = ", "is not TOML text"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(tmp_path, text, says):
    with pytest.raises(BadSetting) as raised:
        Settings.from_toml(written(tmp_path, text))
    assert says in str(raised.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(BadSetting, match="cannot be opened"):
        Settings.from_toml(tmp_path / "none.toml")


def test_a_file_that_is_not_text(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadSetting, match="not TOML text"):
        Settings.from_toml(path)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(authority="301", look_back_years=10, drift_points=2.5),
        Settings(precedence=("CP plan", "CIN plan", "looked after")),
        Settings(social_worker_roles=('the "named" worker', "back\\slash", "Gweithiwr ŵ")),
    ],
)
def test_a_written_file_reads_back_the_same(tmp_path, settings):
    assert Settings.from_toml(written(tmp_path, settings.toml())) == settings


def test_every_setting_is_explained_and_written_with_its_source():
    text = Settings().toml()
    rows = Settings(look_back_years=3).explain()
    assert [row.name for row in rows] == list(tomllib.loads(text))
    for row in rows:
        assert row.says
        assert row.source
        assert row.says in text
        assert row.source in text
        assert row.value == (3 if row.name == "look_back_years" else row.usual)
