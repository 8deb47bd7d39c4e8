"""The dashboard and the regular tables: who sees true figures, who sees answers alone, and what an address may hold."""

from __future__ import annotations

import io
import re

import pytest
import python_calamine
import web_authority as authority
from django.urls import reverse

from sightline.cohort import PLANS

pytest_plugins = ["web_fixtures"]

ON_PLAN = authority.on_plan(set(range(authority.CHILDREN)))


def page(client, path="/dashboard/", status=200):
    answer = client.get(path)
    assert answer.status_code == status, path
    return answer.content.decode()


def figures(text):
    return dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", text))


def rows_of(text, title):
    table = text.split(f'aria-label="{title}, table"')[1].split("</table>")[0]
    cells = re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.S)
    return [[re.sub(r"<[^>]+>", "", c).strip() for c in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", r, re.S)] for r in cells]


def test_who_may_see_each_child_sees_true_figures_of_a_slice(facts, person, browse):
    client = browse(person("virtual_school_head"))
    text = page(client)
    assert "These are true figures" in text
    assert figures(text)["Children"] == str(len(ON_PLAN))
    on_cp = {n for n in ON_PLAN if authority.status_of(n) == "CP plan"}
    assert figures(page(client, "/dashboard/?plan=CP+plan"))["Children"] == str(len(on_cp))
    schools = rows_of(page(client, "/dashboard/?by=school"), "By school")
    assert {r[0]: r[1] for r in schools[1:]} == {
        f"Invented School {s + 1}": str(len(ON_PLAN & authority.children(school=s))) for s in range(4)
    }
