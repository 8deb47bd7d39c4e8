"""The register of lawful bases: who may see a child by name after the plan has ended, why, on what basis, until when.

`retention.toml` in the home, written by whoever governs information there. Without a basis in it nobody is shown such a
child by name: they are counted, and no more. A mistake in the register is refused, never read past.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Self

from sightline.operations.home import Home
from sightline.vocabulary.errors import BadSetting

NAME = "retention.toml"
EVER_6 = "Ever 6"


@dataclass(frozen=True, slots=True)
class Basis:
    """One recorded basis for showing children of a status by name to people in some roles.

    It holds from `recorded` until the day before `until`, for children whose last plan ended less than
    `months_after_plan` months ago. `condition` is the further condition that special category data need (Article 9
    and Schedule 1 of the Data Protection Act 2018); `source` is where the decision is written down, such as an
    assessment of impact and its number.
    """

    status: str
    roles: tuple[str, ...]
    purpose: str
    lawful_basis: str
    condition: str
    source: str
    recorded_by: str
    recorded: date
    until: date
    months_after_plan: int = 72

    def holds(self, on: date) -> bool:
        return self.recorded <= on < self.until


@dataclass(frozen=True, slots=True)
class Hold:
    """One child whose records are kept though their clock has run out, such as for a complaint or a claim."""

    child_id: str
    reason: str
    recorded_by: str
    until: date


@dataclass(frozen=True, slots=True)
class Controller:
    """What the privacy notice says in the authority's own words: who it is, how to reach it and its data protection
    officer, and on which basis children are shown while social care works with them."""

    name: str = ""
    contact: str = ""
    data_protection_officer: str = ""
    lawful_basis: str = ""


@dataclass(frozen=True, slots=True)
class Register:
    """Everything recorded at one home: bases, holds on the removal of single children, and who the authority is."""

    NAME: ClassVar[str] = NAME
    bases: tuple[Basis, ...] = ()
    holds: tuple[Hold, ...] = ()
    controller: Controller = Controller()

    @classmethod
    def of(cls, home: Home) -> Self:
        """The register of a home; empty where none is kept. Raises BadSetting when it says what nobody reads."""
        return cls.read(home.path / NAME)

    @classmethod
    def read(cls, path: Path) -> Self:
        if not path.is_file():
            return cls()
        try:
            said = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadSetting(f"{NAME} is not TOML text: {error}.") from error
        unknown = sorted(set(said) - {"basis", "hold", "controller"})
        if unknown:
            raise BadSetting(
                f"{NAME} has entries nobody reads: {', '.join(unknown)}. It may have: basis, hold, controller."
            )
        bases = tuple(_basis(each, n) for n, each in enumerate(_list(said, "basis"), 1))
        holds = tuple(_made(Hold, each, f"hold {n}") for n, each in enumerate(_list(said, "hold"), 1))
        return cls(bases, holds, _made(Controller, said.get("controller", {}), "controller"))

    def named(self, role: str, on: date) -> tuple[Basis, ...]:
        """The bases on which people in a role may be shown Ever 6 children by name on a day."""
        return tuple(b for b in self.bases if b.status == EVER_6 and role in b.roles and b.holds(on))

    def held(self, on: date) -> frozenset[str]:
        """The children whose removal is held up on a day."""
        return frozenset(h.child_id for h in self.holds if on < h.until)


EXAMPLE = f"""# What the privacy notice for families says of the authority.
[controller]
name = "The invented authority"
contact = "Virtual School, Town Hall, Sample Street"
data_protection_officer = "dpo@sightline.example"
lawful_basis = "UK GDPR Article 6(1)(e): our tasks under the Children Act 1989 and 2004, and Article 9(2)(g)"

# Who may see children by name after their plan has ended. Delete what your authority has not decided.
[[basis]]
status = "{EVER_6}"
roles = ["virtual_school_head", "data_officer"]
purpose = "Oversight of how children who had a social worker fare in education"
lawful_basis = "UK GDPR Article 6(1)(e): a task in the public interest, Children Act 2004 section 10"
condition = "UK GDPR Article 9(2)(g); Data Protection Act 2018, Schedule 1, paragraph 18"
source = "Assessment of impact 2026/14, approved by the information governance board"
recorded_by = "Information governance"
recorded = 2026-09-01
until = 2027-09-01
months_after_plan = 72
"""


def _list(said: Mapping[str, Any], name: str) -> list[Any]:
    held = said.get(name, [])
    if not isinstance(held, list):
        raise BadSetting(f"{NAME}: {name} should be a list; write [[{name}]] before each.")
    return held


def _basis(said: Any, number: int) -> Basis:
    what = f"basis {number}"
    if isinstance(said, dict):
        roles = said.get("roles")
        if not isinstance(roles, list) or not roles or not all(isinstance(r, str) and r for r in roles):
            raise BadSetting(f"{NAME}, {what}: roles should be a list of one role or more.")
        said = {**said, "roles": tuple(roles)}
    basis: Basis = _made(Basis, said, what)
    if basis.status != EVER_6:
        raise BadSetting(f"{NAME}, {what}: status should be '{EVER_6}', the one status that needs a basis of its own.")
    if basis.until <= basis.recorded:
        raise BadSetting(f"{NAME}, {what}: until should be after recorded.")
    if not 1 <= basis.months_after_plan <= 300:
        raise BadSetting(f"{NAME}, {what}: months_after_plan should be 1 to 300.")
    return basis


def _made(kind: type[Any], said: Any, what: str) -> Any:
    """The record, each value of its own type and none of them empty."""
    known = {f.name: f for f in fields(kind)}
    if not isinstance(said, dict):
        raise BadSetting(f"{NAME}, {what}: it should be a table of names and values.")
    unknown = sorted(set(said) - set(known))
    lacking = sorted(name for name, f in known.items() if name not in said and f.default is MISSING)
    if unknown or lacking:
        wrong = f"has nothing called {unknown[0]}" if unknown else f"lacks {lacking[0]}"
        raise BadSetting(f"{NAME}, {what} {wrong}. It should have: {', '.join(known)}.")
    for name, value in said.items():
        right = {"str": str, "date": date, "int": int}.get(str(known[name].type))
        if right is not None and (type(value) is not right or (isinstance(value, str) and not value.strip())):
            words = {str: "words", date: "a day such as 2027-08-31", int: "a whole number"}[right]
            raise BadSetting(f"{NAME}, {what}: {name} should be {words}.")
    return kind(**said)
