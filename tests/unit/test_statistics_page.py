"""The page on the estimators: its example runs, and what it calls is there under that name with those arguments."""

import inspect
import re
from pathlib import Path

from sightline import statistics as st

PAGE = (Path(__file__).parents[2] / "docs/how-to/use-the-estimators.md").read_text(encoding="utf-8")


def test_the_example_runs(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    exec(compile(code, "use-the-estimators.md", "exec"), {})
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 3 and told[2] == "12 4 ()"


def test_every_call_of_the_table_is_there_with_its_arguments():
    cells = [line.split("|")[-2] for line in PAGE.splitlines() if line.startswith("| ") and line.count("|") > 3]
    calls = [call for cell in cells[2:] for call in re.findall(r"`([a-z_]+(?:\([^`]*\))?)`", cell)]
    named = {name for call in calls for name in re.findall(r"([a-z_]+)\(", call) or [call]}
    assert len(named) > 20 and named <= set(st.__all__)
    for call in calls:
        outer = call.partition("(")[0]
        for keyword in re.findall(r"(\w+)=", call):
            of = getattr(st, outer)
            inner = [getattr(st, n) for n in re.findall(r"([a-z_]+)\(", call)]
            assert any(keyword in inspect.signature(f).parameters for f in (of, *inner)), (call, keyword)
