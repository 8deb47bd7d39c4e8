"""Two hundred people at work for ten minutes: is anything refused, slow, or shown without a record?

    python benchmarks/load.py --home FOLDER [--minutes 10] [--rate 20] [--users 200] [--workers 2]

The home is one that `benchmarks/pipeline.py --keep` (or `sightline receive`) has filled with invented files. The pages
are served by gunicorn on a PostgreSQL of this run's own (or the one SIGHTLINE_DATABASE_URL names), on this machine,
which also plays the people: requests come at random moments at the rate asked for, whether or not the last was
answered, so a slow answer is not hidden by waiting for it. Time is from the moment a request was due.

Each answer that names a child must have one entry of the access log, found by the request's id, and each entry its
answer. The run fails on an answer other than 200, and on an entry that is missing or too many.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sightline.web.serving import aside, migrate, prepare

# Of two hundred: who they are. The rest are social workers.
PEOPLE = {"virtual_school_head": 2, "officer": 5, "data_officer": 4, "service_manager": 2, "team_manager": 16,
          "school_lead": 40, "headteacher": 10}  # fmt: skip
# What a person opens, by weight. Where a page is not their role's, they open their list of children.
VISITS = {"/": 15, "/cohort/": 20, "/cohort/?plan=CP+plan": 8, "child": 35, "attendance": 7, "/week/": 8, "search": 4,
          "/dashboard/": 3}  # fmt: skip
FIGURES = ("virtual_school_head", "officer", "data_officer")  # whose page the dashboard is
IN_FLIGHT = 64
CHILD = re.compile(r"/children/[0-9a-f-]{36}/")
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
AGENT = "sightline-load"


@dataclass
class Person:
    """One signed-in person: the role, the session's cookie, and what was learned of their pages."""

    role: str
    cookies: dict[str, str]
    children: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """One answer: what was asked for, its status, its id, whether it names a child, and seconds since it was due."""

    visit: str
    status: int
    request_id: str
    names_child: bool
    taken: float


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--home", type=Path, required=True)
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--rate", type=float, default=20, help="requests a second")
    options.add_argument("--users", type=int, default=200)
    options.add_argument("--workers", type=int, default=2, help="processes that answer")
    chosen = options.parse_args()
    with database() as address:
        os.environ["SIGHTLINE_DATABASE_URL"] = address
        people = [Person(role, cookies) for role, cookies in aside(sign_in, chosen.home, chosen.users)]
        with served(chosen.home, chosen.workers) as port:
            learn(people, port)
            before = aside(entries, chosen.home)
            started = time.perf_counter()
            answers = play(people, port, chosen.rate, chosen.minutes * 60)
            lasted = time.perf_counter() - started
        held = aside(entries, chosen.home)[len(before) :]
    return report(answers, held, lasted, len(people))


@contextmanager
def database() -> Iterator[str]:
    """The address of the PostgreSQL that is named, or of one of this run's own."""
    if os.environ.get("SIGHTLINE_DATABASE_URL"):
        yield os.environ["SIGHTLINE_DATABASE_URL"]
        return
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda at: int(at.parts[4]))
    if not found:
        raise SystemExit("Install PostgreSQL, or name one in SIGHTLINE_DATABASE_URL.")
    tools = found[-1].parent
    # The server refuses to run as root.
    as_other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        if as_other:
            subprocess.run(["chown", "postgres", folder], check=True)

        def run(tool: str, *arguments: str) -> None:
            subprocess.run([*as_other, str(tools / tool), *arguments], check=True, stdout=subprocess.DEVNULL)

        run("initdb", "-D", f"{folder}/cluster", "-U", "sightline", "-A", "trust", "-E", "UTF8", "--no-sync")
        where = f"-k {folder} -p {port} -c listen_addresses=127.0.0.1"
        run("pg_ctl", "-D", f"{folder}/cluster", "-w", "-l", f"{folder}/log", "-o", where, "start")
        try:
            run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "sightline", "sightline")
            yield f"postgresql://sightline:none@127.0.0.1:{port}/sightline"
        finally:
            run("pg_ctl", "-D", f"{folder}/cluster", "-m", "immediate", "stop")


def sign_in(home: Path, users: int) -> list[tuple[str, dict[str, str]]]:
    """Accounts over the busiest teams, schools and workers, each with a session; the role and its cookies."""
    prepare(home, demonstration=True)
    migrate()

    from django.conf import settings
    from django.db.models import Count
    from django.test import Client

    from sightline.web import facts
    from sightline.web.accounts.inviting import grant
    from sightline.web.accounts.models import User
    from sightline.web.authz.matrix import ROLES
    from sightline.web.people.models import Allocation, Enrolment

    facts.open_current()

    def busiest(role: str, count: int) -> list[tuple[str, str]]:
        scope = sorted(ROLES[role].scopes)[0]
        if scope not in ("team", "school", "own"):
            return [(scope, "")] * count
        model, column = {"team": (Allocation, "team_ref"), "own": (Allocation, "worker_ref"),
                         "school": (Enrolment, "urn")}[scope]  # fmt: skip
        held = model.objects.filter(end_date=None).exclude(**{column: ""}).values(column)
        found = held.annotate(n=Count("child", distinct=True)).order_by("-n", column).values_list(column, flat=True)
        return [(scope, str(over)) for over in found[:count]]

    parts = {role: max(1, count * users // 200) for role, count in PEOPLE.items()}
    parts["social_worker"] = users - sum(parts.values())
    made = []
    for role, count in parts.items():
        for number, (scope, over) in enumerate(busiest(role, count)):
            name = f"{role}-{number}"
            user, _ = User.objects.get_or_create(
                username=name, defaults={"email": f"{name}@sightline.example", "demonstration": True}
            )
            grant(user, role=role, scope=scope, over=over, by="benchmark", reason="Load on invented data")
            client = Client(HTTP_USER_AGENT=AGENT)
            client.force_login(user)
            made.append((role, {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}))
    return made


def entries(home: Path) -> list[str]:
    """The id of the request of each entry of the access log that shows a child, oldest first."""
    prepare(home, demonstration=True)

    from sightline.web.audit.models import AccessEntry

    return list(AccessEntry.objects.exclude(child_ids=[]).order_by("pk").values_list("request_id", flat=True))


@contextmanager
def served(home: Path, workers: int) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run = [sys.executable, "-m", "sightline.web", "--home", str(home), "serve", "--demonstration"]
    run += ["--port", str(port), "--workers", str(workers)]
    server = subprocess.Popen(run, stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                status, _, _ = ask(port, "/healthz", {})
                if status == 200:
                    break
            except OSError:
                time.sleep(0.2)
        else:
            raise SystemExit("The server did not start.")
        yield port
    finally:
        server.terminate()
        server.wait()


def ask(port: int, path: str, cookies: dict[str, str], form: dict[str, str] | None = None) -> tuple[int, str, str]:
    """The status, the id and the text of one answer; cookies it sets are kept."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"User-Agent": AGENT, "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    body = None
    if form is not None:
        headers |= {"Content-Type": "application/x-www-form-urlencoded", "Referer": f"http://127.0.0.1:{port}{path}"}
        body = urllib.parse.urlencode(form)
    try:
        connection.request("GET" if form is None else "POST", path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        for each in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = each.partition(";")[0].partition("=")
            cookies[name.strip()] = value
        return answer.status, answer.headers.get("X-Request-Id", ""), text
    finally:
        connection.close()


def learn(people: list[Person], port: int) -> None:
    """What each person would have before them: the children of their list, and a form to search with."""
    for person in people:
        status, _, text = ask(port, "/cohort/", person.cookies)
        if status == 200:
            person.children = sorted(set(CHILD.findall(text)))
    if not any(person.children for person in people):
        raise SystemExit("Nobody is shown a child: has this home received the invented files?")


def play(people: list[Person], port: int, rate: float, seconds: float) -> list[Answer]:
    rng = random.Random(20260901)
    lock = threading.Lock()
    answers: list[Answer] = []

    def visit(person: Person, what: str, seed: int, due: float) -> None:
        status, request_id, text = _visit(person, what, port, random.Random(seed))
        answer = Answer(what, status, request_id, bool(CHILD.search(text)), time.perf_counter() - due)
        with lock:
            answers.append(answer)

    started = due = time.perf_counter()
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        waiting = []
        while True:
            due += rng.expovariate(rate)
            if due > started + seconds:
                break
            time.sleep(max(0.0, due - time.perf_counter()))
            person = rng.choice(people)
            what = rng.choices(list(VISITS), list(VISITS.values()))[0]
            if what in ("child", "attendance") and not person.children:
                what = "/"
            if what == "/dashboard/" and person.role not in FIGURES:
                what = "/"
            if what.startswith("/cohort/") and person.role == "officer":
                what = "/dashboard/"
            waiting.append(pool.submit(visit, person, what, rng.getrandbits(32), due))
        for each in waiting:
            each.result()
    return answers


def _visit(person: Person, what: str, port: int, rng: random.Random) -> tuple[int, str, str]:
    if what == "search":
        status, _, text = ask(port, "/search/", person.cookies)
        token = TOKEN.search(text)
        if status != 200 or token is None:
            return status, "", ""
        form = {"csrfmiddlewaretoken": token[1], "who": "".join(rng.sample("aeilmnorst", 2))}
        return ask(port, "/search/", dict(person.cookies), form)
    if what == "child":
        return ask(port, rng.choice(person.children), person.cookies)
    if what == "attendance":
        return ask(port, rng.choice(person.children) + "attendance/", person.cookies)
    return ask(port, what, person.cookies)


def report(answers: list[Answer], held: list[str], lasted: float, people: int) -> int:
    by_visit: dict[str, list[float]] = defaultdict(list)
    for answer in answers:
        by_visit[answer.visit].append(answer.taken)
    print(f"{people} people, {len(answers):,} requests in {lasted:.0f} s: {len(answers) / lasted:.1f} a second")
    for visit, taken in sorted({**by_visit, "all": [a.taken for a in answers]}.items()):
        p50, p95, p99 = (1000 * float(x) for x in np.percentile(taken, [50, 95, 99]))
        print(f"  {visit:<24} {len(taken):>6,}  p50 {p50:5.0f} ms  p95 {p95:5.0f} ms  p99 {p99:5.0f} ms")
    statuses = Counter(answer.status for answer in answers)
    print("  statuses: " + ", ".join(f"{status} {count:,}" for status, count in sorted(statuses.items())))
    recorded = Counter(held)
    shown = {answer.request_id for answer in answers if answer.names_child}
    unrecorded = len(shown - recorded.keys())
    unknown = len(recorded.keys() - {answer.request_id for answer in answers})
    twice = sum(count > 1 for count in recorded.values())
    print(f"  answers that name a child: {len(shown):,}; without an entry of the access log: {unrecorded}; "
          f"entries of no answer: {unknown}; answers with two: {twice}")  # fmt: skip
    return int(set(statuses) != {200} or bool(unrecorded) or bool(unknown) or bool(twice))


if __name__ == "__main__":
    sys.exit(main())
