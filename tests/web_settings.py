"""The application's settings for tests: a home of their own, as outside the demonstration, on either database."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_HOME = tempfile.mkdtemp(prefix="sightline-test-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
for _name in [name for name in os.environ if name.startswith("SIGHTLINE_") and not name.startswith("SIGHTLINE_TEST_")]:
    del os.environ[_name]
os.environ["SIGHTLINE_HOME"] = _HOME
os.environ["SIGHTLINE_HOSTS"] = "testserver"
os.environ["SIGHTLINE_DATABASE_URL"] = os.environ.get("SIGHTLINE_TEST_DATABASE_URL", "")

# A recorded basis for the roles that work with children whose plan has ended, who are tested by name.
(Path(_HOME) / "retention.toml").write_text(
    """
[[basis]]
status = "Ever 6"
roles = ["virtual_school_head", "officer", "data_officer", "early_help_manager"]
purpose = "Oversight"
lawful_basis = "Public task"
condition = "Safeguarding"
source = "Test"
recorded_by = "Test"
recorded = 2020-01-01
until = 2200-01-01
""",
    encoding="utf-8",
)

from dataclasses import replace  # noqa: E402

from sightline.web.settings import *  # noqa: E402, F403
from sightline.web.settings import SIGHTLINE_CHOSEN  # noqa: E402

# Off unless an authority decides otherwise; on here, so that pages of children are tested as officers too.
SIGHTLINE_CHOSEN = replace(SIGHTLINE_CHOSEN, officers_open=("all",))

# Tests undo what they write: what would be noted of it is not there to stay.
SIGHTLINE_LOG_HEADS = None

# No page's test asks for a style sheet, and to look for them all takes longer than most pages.
WHITENOISE_USE_FINDERS = False

# The home is this module's alone: a test that starts a process gives it another.
del os.environ["SIGHTLINE_HOME"], os.environ["SIGHTLINE_HOSTS"], os.environ["SIGHTLINE_DATABASE_URL"]
