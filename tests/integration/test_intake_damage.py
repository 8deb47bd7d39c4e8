"""Files damaged in every usual way, of every kind that comes as text: a finding or one sentence, never a fault of ours.

Each kind's file is moved about (columns missing, doubled, shuffled, shifted), filled with what is no date, no number and
no code, cut, encoded otherwise, and swapped for something else altogether.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from sightline.engine import arrow_schema
from sightline.operations import Home, receive
from sightline.sources import SOURCES, recognise, unpack
from sightline.sources.base import Context
from sightline.sources.parquet import write_table
from sightline.vocabulary.errors import SightlineError
from sightline.vocabulary.identifiers import make_upn

ADA, BEN = (make_upn("801", "2000", 2015, n) for n in (1, 2))
LISTS = {
    "school-roll": f"UPN,Surname,DOB,Year group,Admission date,SEN,FSM\n{ADA},Ashby,04/05/2012,7,01/09/2023,K,Yes\n",
    "part-time-timetables": f"UPN,PTT start date,End date,Hours a week\n{ADA},01/10/2024,20/12/2024,12.5\n",
    "missing-education": f"UPN,CME start date,CME end date,CME reason\n{ADA},01/10/2024,,moved\n",
    "home-education": f"UPN,EHE start date,EHE end date\n{ADA},01/10/2024,\n",
    "alternative-provision": f"UPN,AP provider,Arrangement,Start date\n{ADA},The Elms,Managed move,01/10/2024\n",
    "attainment": f"UPN,Key stage,Academic year,Subject,Result\n{ADA},KS2,2023/24,Maths,105\n",
    "early-help": "Child ID,Early help episode id,Start date,Lead practitioner\nC1,E1,01/10/2024,Worker\n",
    "youth-justice": "YJS ID,DOB,Start date,Disposal\nY1,04/05/2009,01/10/2024,Youth caution\n",
    "suspensions": f"UPN,Start date,Sessions,Type of exclusion,Reason 1\n{ADA},01/10/2024,4,Suspension,DB\n",
    "marks": f"UPN,URN,Date,Session,Mark\n{ADA},900001,2024-10-01,AM,/\n{BEN},900001,2024-10-01,PM,I\n",
    "ssda903-header": f"CHILD,SEX,DOB,ETHNIC,UPN,MOTHER,MC_DOB\n1,1,04/05/2012,WBRI,{ADA},,\n",
    "ssda903-episodes": "CHILD,DECOM,RNE,LS,CIN,PLACE,DEC,REC\n1,04/05/2019,S,C2,N1,U4,,\n",
    "idaci": "lsoa11_code,idaci2019_rank,idaci2019_decile,idaci2019_score\nE01000001,32000,10,0.01\n",
    "postcodes": "pcd7,pcds,dointr,doterm,lsoa11cd,lsoa21cd\nZZ991AA,ZZ99 1AA,198001,199606,E01000001,E01000002\n",
    "localities": "Area code,Locality\nZZ1,Northmere\nE01000001,Southmere\n",
    "ees": "time_period,time_identifier,geographic_level,country_code,country_name,kind,pupils\n"
    "202324,Academic year,National,E92000001,England,Total,c\n",
}
DOCUMENTS = {
    "ctf": f"<CTfile><Header><CTFversion>25.0</CTFversion><DateTime>2024-10-01T00:00:00</DateTime></Header><CTFpupilData>"
    f"<Pupil><UPN>{ADA}</UPN><Surname>Ashby</Surname><DOB>2012-05-04</DOB><Attendance><YearData><Year>2025</Year>"
    "<LEA>801</LEA><Estab>2000</Estab><AttendSessions><AttendanceStartDate>2024-09-02</AttendanceStartDate>"
    "<AttendanceMarks>/\\/\\</AttendanceMarks></AttendSessions></YearData></Attendance></Pupil></CTFpupilData></CTfile>",
    "cin-census": "<Message><Header><CollectionDetails><Collection>CIN</Collection><Year>2026</Year><ReferenceDate>"
    "2026-03-31</ReferenceDate></CollectionDetails></Header><Children><Child><ChildIdentifiers><LAchildID>A1</LAchildID>"
    f"<UPN>{ADA}</UPN><PersonBirthDate>2012-05-04</PersonBirthDate></ChildIdentifiers><CINdetails><CINreferralDate>"
    "2025-05-01</CINreferralDate><CINPlanDates><CINPlanStartDate>2025-06-01</CINPlanStartDate></CINPlanDates>"
    "</CINdetails></Child></Children></Message>",
    "csc-api": json.dumps({"la_code": "301", "Children": [{"la_child_id": "A1", "child_details": {"date_of_birth":
        "2015-05-01"}, "social_care_episodes": [{"social_care_episode_id": "E", "referral_date": "2024-08-01",
        "child_in_need_plans": [{"child_in_need_plan_id": "P", "start_date": "2024-09-02"}]}]}]}),
}  # fmt: skip
WRONG = ("01/13/2012", "31/02/2024", "9" * 40, "-1", "NaN", "inf", "", "x" * 3000, 'a "b, c', "\u00e9\u0000", "[{]")


def _written(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def damaged_lists(text: str) -> Iterator[str]:
    header, *rows = list(csv.reader(io.StringIO(text)))
    width = len(header)
    for n in range(width):
        yield _written([[c for k, c in enumerate(row) if k != n] for row in (header, *rows)])
    yield _written([row[::-1] for row in (header, *rows)])
    yield _written([[*row, row[0]] for row in (header, *rows)])
    yield _written([header, *([["", *row] for row in rows])])
    yield _written([header, *([row[: width // 2] for row in rows])])
    yield _written([header])
    yield _written([["Printed today"], [], header, *rows])
    for wrong in WRONG:
        yield _written([header, *([[wrong] * width for _ in rows])])
        yield _written([header, *([[row[0], *([wrong] * (width - 1))] for row in rows])])


def damaged_documents(text: str, random: random.Random) -> Iterator[str]:
    for part in (0.2, 0.5, 0.8, 0.99):
        yield text[: int(len(text) * part)]
    if text.startswith("{"):
        for value in ("null", "[]", "{}", '"x"', "1e40", "true", "[[1]]"):
            for key in ("la_child_id", "child_details", "social_care_episodes", "referral_date", "child_in_need_plans"):
                yield re.sub(
                    rf'"{key}": ("[^"]*"|\[.*\]|\{{.*\}})', lambda _, k=key, v=value: f'"{k}": {v}', text, count=1
                )
        yield "[" * 50_000
        return
    for element in dict.fromkeys(re.findall(r"<(\w+)>[^<]+</\1>", text)):
        for wrong in ("01/13/2012", "9" * 30, "", "<x/>"):
            yield re.sub(rf"<{element}>[^<]+</{element}>", f"<{element}>{wrong}</{element}>", text)
        yield re.sub(rf"<{element}>[^<]+</{element}>", "", text)
    yield '<!DOCTYPE x [<!ENTITY a "aaaa">]>' + text.replace("</", "&a;</", 1)
    yield text + "<a>" * 3000


def tried(path: Path, content: bytes, work: Path) -> None:
    """Read whatever it is as `receive` would; what may be raised is a refusal in a sentence."""
    path.write_bytes(content)
    for file in unpack([path], work):
        try:
            if file.error:
                raise file.error
            assert file.path is not None
            told = Context(name="file", received=date(2026, 1, 1))
            recognise(file.path, told).read(file.path, told)
        except SightlineError as error:
            assert str(error).strip().endswith(".")


@pytest.mark.parametrize("kind", [*LISTS, *DOCUMENTS])
def test_damage_ends_in_findings_or_one_sentence(tmp_path: Path, kind: str):
    random_ = random.Random(kind)
    text = LISTS.get(kind) or DOCUMENTS[kind]
    whole = tmp_path / "whole"
    whole.write_text(text)
    assert recognise(whole).kind == kind
    made = list(damaged_lists(text) if kind in LISTS else damaged_documents(text, random_))
    bodies = [each.encode() for each in made]
    data = text.encode()
    noise = bytes(b if random_.random() > 0.02 else random_.randrange(256) for b in data)
    bodies += [text.encode("utf-16"), text.encode("utf-16-be"), text.replace("\n", "\r").encode(), noise, data[::-1],
               b"%PDF-1.7\n" + data, data.replace(b",", b",\0"), b"\xef\xbb\xbf" + data]  # fmt: skip
    for body in random_.sample(bodies, 6):  # the same each time; all of them take minutes and were tried
        tried(tmp_path / "file", body, tmp_path / "work")


def test_every_kind_of_list_is_damaged_here_or_declared(real: Path):
    """Kinds that come as workbooks, answers of services or tables of the census have tests of their own."""
    elsewhere = ("sightline-", "wonde-", "ees-", "lait", "annex-a", "cin-census-csv", "ssda903-", "school-census", "ssd-",
                 "deprivation-", "gias", "marks-week")  # fmt: skip
    kinds = {source.kind for source in SOURCES}
    assert {k for k in kinds - {*LISTS, *DOCUMENTS} if not k.startswith(elsewhere)} == set()


def test_a_damaged_page_of_parquet_is_refused_and_the_others_are_received(tmp_path: Path):
    """The damage lies where the reader need not look: the file's end, which describes it, is whole."""
    rows = [{"pupil_ref": f"P{n}", "school_ref": "900001", "week": date(2024, 9, 2), "marks": "/\\........",
             "possible": 2, "authorised": 0, "unauthorised": 0, "approved": 0, "late": 0, "not_possible": 0, "line": n}
            for n in range(5_000)]  # fmt: skip
    table = pa.Table.from_pylist(rows, schema=arrow_schema("attendance_week"))
    path = write_table("attendance_week", table, tmp_path / "marks.parquet", system="marks")
    content = bytearray(path.read_bytes())
    random_ = random.Random(1)
    for place in (random_.randrange(8, len(content) * 2 // 3) for _ in range(200)):
        content[place] = random_.randrange(256)
    path.write_bytes(bytes(content))
    good = tmp_path / "marks.csv"
    good.write_text(LISTS["marks"])
    receipt = receive(Home.open(tmp_path / "home"), [path, good], by="t")
    assert [(f.status, "damaged" in f.says) for f in receipt.files] == [("refused", True), ("received", False)]
