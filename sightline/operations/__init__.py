"""The verbs. A page, a command and a schedule call the same ones: open a snapshot, call one pure function, record."""

from sightline.cohort import Summary
from sightline.operations.counts.answers import (
    ChildFacts,
    absence_by,
    child_facts,
    child_person,
    cohort_changes,
    cohort_counts,
    cohort_on,
    cohort_summary,
    cohort_weeks,
    findings,
    week_list,
    with_circumstances,
)
from sightline.operations.counts.figures import Difference, Side, compare, compare_returns, returns_held, side_of
from sightline.operations.counts.scope import CINO_WARNING, Consequences, consequences, set_scope, wanted_settings
from sightline.operations.counts.scope import SETTINGS as SCOPE_SETTINGS
from sightline.operations.decisions import decisions_mark, moment_of
from sightline.operations.faults.batches import (
    ANSWERS,
    Answer,
    Batch,
    batch_rows,
    receive_answers,
    send_batch,
    unsent,
    write_batch,
)
from sightline.operations.faults.exceptions import (
    Taken,
    accuracy_by_source,
    accuracy_by_week,
    ages,
    batches_sent,
    classes_of,
    decide,
    due_within_a_week,
    exception_history,
    exceptions,
    file_names,
    may_be_decided,
    reconciliation_rules,
)
from sightline.operations.faults.scoring import score_exceptions
from sightline.operations.faults.spot_checks import (
    answer_spot_check,
    draw_spot_check,
    spot_check,
    spot_check_results,
    spot_check_waits,
)
from sightline.operations.files.check import FileCheck, check_file
from sightline.operations.files.fetch import TOKEN as WONDE_TOKEN
from sightline.operations.files.fetch import Fetched, fetch_wonde, wonde_token
from sightline.operations.files.mapping import Proposal, agree_mapping, propose_mapping
from sightline.operations.files.quality import ON_PLAN, deliveries_in_force, findings_within
from sightline.operations.files.receive import FileReceipt, Receipt, rebuild, receive, sweep
from sightline.operations.files.records import rules_not_run
from sightline.operations.files.senders import schools_sending, senders
from sightline.operations.files.source import source_line
from sightline.operations.files.upload import Preview, load, preview, snapshots_made, undo
from sightline.operations.home import Home
from sightline.operations.invent import synthesise, synthesise_national
from sightline.operations.keeping.console import console_user, record_console_view
from sightline.operations.keeping.registers_kept import (
    AGREEMENTS,
    REQUESTS,
    Register,
    asked_before,
    entries,
    keep_entry,
)
from sightline.operations.lists.early_help import early_help_on
from sightline.operations.lists.school import SchoolFacts, school_facts
from sightline.operations.lists.transfer import Transfer, transfer_file
from sightline.operations.opened import Opened, Scope, opened
from sightline.operations.pairs.clerical import Agreement, agreement, decide_pair, doubtful_pairs
from sightline.operations.pairs.clerical import Pair as DoubtfulPair
from sightline.operations.pairs.clerical import pair as doubtful_pair
from sightline.operations.pairs.linking import Gate, match_gates, match_rate, match_rates, train_linkage
from sightline.operations.pairs.match import Matched, match_files
from sightline.sources.wonde_client import DOMAIN as WONDE_DOMAIN
from sightline.sources.wonde_client import Client as WondeClient

__all__ = [
    "AGREEMENTS",
    "ANSWERS",
    "CINO_WARNING",
    "ON_PLAN",
    "REQUESTS",
    "SCOPE_SETTINGS",
    "WONDE_DOMAIN",
    "WONDE_TOKEN",
    "Agreement",
    "Answer",
    "Batch",
    "ChildFacts",
    "Consequences",
    "Difference",
    "DoubtfulPair",
    "Fetched",
    "FileCheck",
    "FileReceipt",
    "Gate",
    "Home",
    "Matched",
    "Opened",
    "Preview",
    "Proposal",
    "Receipt",
    "Register",
    "SchoolFacts",
    "Scope",
    "Side",
    "Summary",
    "Taken",
    "Transfer",
    "WondeClient",
    "absence_by",
    "accuracy_by_source",
    "accuracy_by_week",
    "ages",
    "agree_mapping",
    "agreement",
    "answer_spot_check",
    "asked_before",
    "batch_rows",
    "batches_sent",
    "check_file",
    "child_facts",
    "child_person",
    "classes_of",
    "cohort_changes",
    "cohort_counts",
    "cohort_on",
    "cohort_summary",
    "cohort_weeks",
    "compare",
    "compare_returns",
    "consequences",
    "console_user",
    "decide",
    "decide_pair",
    "decisions_mark",
    "deliveries_in_force",
    "doubtful_pair",
    "doubtful_pairs",
    "draw_spot_check",
    "due_within_a_week",
    "early_help_on",
    "entries",
    "exception_history",
    "exceptions",
    "fetch_wonde",
    "file_names",
    "findings",
    "findings_within",
    "keep_entry",
    "load",
    "match_files",
    "match_gates",
    "match_rate",
    "match_rates",
    "may_be_decided",
    "moment_of",
    "opened",
    "preview",
    "propose_mapping",
    "rebuild",
    "receive",
    "receive_answers",
    "reconciliation_rules",
    "record_console_view",
    "returns_held",
    "rules_not_run",
    "school_facts",
    "schools_sending",
    "score_exceptions",
    "send_batch",
    "senders",
    "set_scope",
    "side_of",
    "snapshots_made",
    "source_line",
    "spot_check",
    "spot_check_results",
    "spot_check_waits",
    "sweep",
    "synthesise",
    "synthesise_national",
    "train_linkage",
    "transfer_file",
    "undo",
    "unsent",
    "wanted_settings",
    "week_list",
    "with_circumstances",
    "wonde_token",
    "write_batch",
]
