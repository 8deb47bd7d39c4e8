"""Doubtful pairs: two records side by side, read by people who answer before they see a score."""

from __future__ import annotations

from functools import cache

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from sightline import operations
from sightline.linkage import decided
from sightline.operations import DoubtfulPair
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.dates import typed_day
from sightline.vocabulary.errors import NotAllowed, SightlineError
from sightline.vocabulary.tables import Sensitivity
from sightline.web import audit, facts
from sightline.web.authz.door import fields_shown
from sightline.web.pages.cohort import name_of, reader
from sightline.web.pages.paging import paged, window
from sightline.web.pages.templating import query, short_day

PAGE = 50
# Who decides where two readers differ, and may take a decision back.
LEAD = "virtual_school_head"
ANSWERS = (
    (decided.SAME, "Same child", "The next build of the data joins the two records."),
    (decided.DIFFERENT, "Different children", "They are never joined, and the pair is not asked about again."),
    (decided.CANNOT_TELL, "Cannot tell", "They stay apart until the records say more."),
)
REOPEN = (decided.REOPENED, "Reopen", "Every answer is taken back and the pair is read anew.")


def view(request: HttpRequest) -> HttpResponse:
    """The pairs to read, and those decided."""
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="listed", fields=fields_shown(request))
        return render(request, "pages/nothing.html")
    every = operations.doubtful_pairs(facts.home(), held.opened, held.scope).to_pylist()
    counts = [(state, sum(r["state"] == state for r in every)) for state in decided.STATES]
    state = request.GET.get("state", decided.OPEN)
    state = state if state in decided.STATES else decided.OPEN
    rows = [r for r in every if r["state"] == state]
    page, pages = paged(request.GET, len(rows), PAGE)
    shown = rows[(page - 1) * PAGE : page * PAGE]
    children = {r[f"{side}_child_id"] for r in shown for side in ("left", "right")}
    audit.disclosed(request, children, action="listed", fields=fields_shown(request))
    seen = reader(held.access)
    context = {
        "facts": held,
        "rows": [
            {
                **r,
                **{
                    side: seen(Sensitivity.IDENTITY, name_of({"surname": r[f"{side}_surname"],
                                                              "forename": r[f"{side}_forename"]}))
                    for side in ("left", "right")
                },
                "yours": who(request) in r["read_by"],
            }
            for r in shown
        ],
        "state": state,
        "counts": counts,
        "found": len(rows),
        "agreement": operations.agreement(facts.home(), held.opened),
        "share": held.opened.settings.second_reader_percent,
        "page": page,
        "pages": pages,
        "window": window(page, pages),
        "address": lambda n: "?" + query(state=state, page=n if n > 1 else None),
    }  # fmt: skip
    return render(request, "clerical/page.html", context)


def one(request: HttpRequest, pair_id: str) -> HttpResponse:
    """One pair, side by side, and this reader's answer."""
    held = facts.of(request)
    pair = _pair(request, held, pair_id) if held is not None else None
    if held is None or pair is None:
        audit.refused(request, f"pair {pair_id[:40]}")
        raise Http404
    allowed = options(pair, is_lead(held))
    problem, chosen, reason = "", "", ""
    if request.method == "POST":
        chosen, reason = request.POST.get("answer", ""), request.POST.get("reason", "").strip()
        problem = _answered(request, held, pair_id, [code for code, _, _ in allowed], chosen, reason)
        if not problem:
            return redirect("clerical_pair", pair_id=pair_id)
    audit.disclosed(request, pair.child_ids, action="viewed", fields=fields_shown(request))
    seen = reader(held.access)
    context = {
        "facts": held,
        "pair": pair,
        "rows": [
            {
                "name": f.name,
                "left": [seen(f.sensitivity, in_words(f.name, v)) for v in f.left],
                "right": [seen(f.sensitivity, in_words(f.name, v)) for v in f.right],
                "says": f.says,
                "differs": f.says == "Differs",
            }
            for f in pair.fields
        ],
        "readings": [
            {"by": seen(Sensitivity.STAFF, r.by), "at": operations.moment_of(r.at), "answer": r.answer,
             "reason": r.reason}
            for r in pair.readings
        ],
        "options": allowed,
        "problem": problem,
        "chosen": chosen,
        "reason": reason,
    }  # fmt: skip
    return render(request, "clerical/one.html", context)


def options(pair: DoubtfulPair, lead: bool) -> tuple[tuple[str, str, str], ...]:
    """What this reader may answer."""
    if pair.answer:
        return ANSWERS
    return (REOPEN,) if lead and pair.state == decided.DECIDED else ()


def is_lead(held: facts.Facts) -> bool:
    return held.access.role is not None and held.access.role.key == LEAD


def who(request: HttpRequest) -> str:
    """The name a reader is known by: the same person is never two readers."""
    return str(request.user.get_username())


def _pair(request: HttpRequest, held: facts.Facts, pair_id: str) -> DoubtfulPair | None:
    try:
        return operations.doubtful_pair(
            facts.home(), held.opened, held.scope, pair_id, reader=who(request), lead=is_lead(held)
        )
    except NotAllowed:
        return None


def _answered(
    request: HttpRequest, held: facts.Facts, pair_id: str, allowed: list[str], chosen: str, reason: str
) -> str:
    """Record the answer; what stands in its way, in a sentence, or nothing."""
    if not allowed:
        return "Nothing is asked of you about this pair now."
    if chosen not in allowed:
        return "Choose an answer."
    try:
        operations.decide_pair(
            facts.home(), held.opened, held.scope, pair_id, chosen, by=who(request), at=timezone.now(), reason=reason,
            lead=is_lead(held),
        )  # fmt: skip
    except SightlineError as error:
        return str(error)
    return ""


@cache
def _ethnicities() -> dict[str, str]:
    """What each code means, the school's words for one that both lists have."""
    return {code.code: code.meaning for name in ("ethnicity", "ethnicity_school") for code in code_list(name)}


def in_words(field: str, value: str) -> str:
    """A value of a record as a reader has it: a day as every page writes it, and a code with what it means."""
    if field == "Date of birth":
        return short_day(typed_day(value), value)
    if field == "Ethnicity code" and value in _ethnicities():
        return f"{_ethnicities()[value]} ({value})"
    return value
