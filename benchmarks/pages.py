"""How long do the cohort page and a child's page take with a whole authority loaded? One client, then sixteen.

    python benchmarks/pages.py --home FOLDER [--requests 200]

The home is one that `benchmarks/pipeline.py --keep` (or `sightline receive`) has filled with invented files: the pages
are served as the demonstration, on this machine, and asked for over the loopback by a signed-in Virtual School Head.
"""

from __future__ import annotations

import argparse
import http.cookiejar
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

CLIENTS = (1, 16)
ROLE = "virtual-school-head"


class Client:
    """One signed-in browser, without the drawing."""

    def __init__(self, base: str, password: str) -> None:
        self.base = base
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get("/sign-in/"))
        assert token, "The sign-in page has no form."
        form = {"login": ROLE, "password": password, "csrfmiddlewaretoken": token[1]}
        request = urllib.request.Request(base + "/sign-in/", urllib.parse.urlencode(form).encode())
        request.add_header("Referer", base + "/sign-in/")
        with self.opener.open(request) as answer:
            assert "/sign-in/" not in answer.url, "Signing in was refused."

    def get(self, path: str) -> str:
        with self.opener.open(self.base + path) as answer:
            text: str = answer.read().decode()
            return text


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--home", type=Path, required=True)
    options.add_argument("--requests", type=int, default=200, help="requests of each page at each number of clients")
    chosen = options.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run = [sys.executable, "-m", "sightline.web", "--home", str(chosen.home), "serve", "--port", str(port)]
    server = subprocess.Popen([*run, "--demonstration"], stdout=subprocess.PIPE, text=True)
    try:
        measure(f"http://127.0.0.1:{port}", password_of(server), chosen.requests)
    finally:
        server.terminate()
        server.wait()


def password_of(server: subprocess.Popen[str]) -> str:
    assert server.stdout
    for line in server.stdout:
        if line.split()[:1] == [ROLE]:
            return line.split()[1]
    raise SystemExit("The server did not start.")


def measure(base: str, password: str, requests: int) -> None:
    for _ in range(120):
        try:
            urllib.request.urlopen(base + "/sign-in/").close()
            break
        except urllib.error.URLError:
            time.sleep(0.5)
    clients = [Client(base, password) for _ in range(max(CLIENTS))]
    first = clients[0].get("/cohort/")
    total = re.search(r"of ([\d,]+) children", first)
    child = re.search(r'href="(/[a-z]+/[0-9a-f-]{36}/)"', first)
    assert total and child, "The cohort page lists no child."
    print(f"cohort of {total[1]} children")
    for path, says in (
        ("/cohort/", "cohort page"),
        ("/cohort/?plan=CP+plan", "filtered"),
        (child[1], "child's page"),
    ):
        for count in CLIENTS:
            taken = ask(clients[:count], path, requests)
            p50, p95 = (1000 * statistics.quantiles(taken, n=100)[p - 1] for p in (50, 95))
            print(f"{says}, {count} clients: p50 {p50:.0f} ms, p95 {p95:.0f} ms, {len(taken)} answers")


def ask(clients: list[Client], path: str, requests: int) -> list[float]:
    taken: list[float] = []

    def work(client: Client) -> None:
        for _ in range(requests // len(clients)):
            started = time.perf_counter()
            client.get(path)
            taken.append(time.perf_counter() - started)

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken


if __name__ == "__main__":
    main()
