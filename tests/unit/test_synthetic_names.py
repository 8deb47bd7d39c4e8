"""Invented names and places are nobody's and nowhere: every name that could ever be given is looked at."""

import csv
import re
from pathlib import Path

from sightline.synthetic import AUTHORITY, OTHER_AUTHORITY
from sightline.synthetic.names import boys, girls, places, postcodes, surnames
from sightline.vocabulary.codes import valid_codes
from sightline.vocabulary.identifiers import normalise_postcode

# Among the commonest first names and surnames of England and Wales.
COMMON = set(
    re.findall(
        r"\w+",
        """
    olivia amelia isla ava mia ivy lily isabella rosie sophia grace ella freya florence willow emily evie charlotte
    poppy daisy elsie phoebe sophie alice maya isabelle aria matilda sienna ruby millie harper erin molly eva ellie
    noah oliver george arthur muhammad leo harry oscar archie henry theodore freddie jack charlie theo alfie jacob
    thomas finley lucas joshua arlo edward william james logan alexander max daniel isaac adam mohammed harrison
    smith jones williams taylor brown davies evans wilson thomas roberts johnson lewis walker robinson wood thompson
    white watson jackson wright green harris cooper king lee martin clarke james morgan hughes edwards hill moore
    clark harrison scott young morris hall ward turner carter phillips mitchell patel adams campbell anderson allen
    cook bailey parker miller davis murphy price bell baker griffiths kelly simpson marshall collins bennett cox
    khan begum ali hussain ahmed shah singh kaur akhtar choudhury
    """,
    )
)


def invented() -> list[str]:
    return [*girls(), *boys(), *surnames(), *places()]


def test_no_name_is_a_common_one():
    assert not COMMON & {name.lower() for name in invented()}


def test_no_name_is_a_word_of_a_real_school(real: Path):
    words: set[str] = set()
    with (real / "education/lookups/schools_2017_18.csv").open(encoding="cp1252") as lines:
        for row in csv.DictReader(lines):
            words |= set(re.findall(r"[a-z']+", row["SchoolName"].lower()))
    links = (real / "education/gias/links_edubasealldata20250109.csv").read_text(encoding="cp1252")
    words |= set(re.findall(r"[a-z']+", links.lower()))
    assert len(words) > 10_000
    assert not words & {name.lower() for name in invented()}


def test_names_are_distinct_and_can_be_said():
    for names in (girls(), boys(), surnames(), places()):
        assert len(set(names)) == len(names)
        assert all(re.search("[aeiou]", name) and not re.search("[^aeiouy]{6}", name.lower()) for name in names)
    assert not set(girls()) & set(boys())


def test_postcodes_are_of_no_area():
    assert all(code.startswith("ZZ") and normalise_postcode(code) == code for code in postcodes())
    assert len(set(postcodes())) == len(postcodes())


def test_the_authorities_are_nobodys():
    assert not {AUTHORITY, OTHER_AUTHORITY} & set(valid_codes("authority"))
