"""The permission matrix, read from `matrix.toml` and checked when it is read."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.tables import Sensitivity

PATH = Path(__file__).with_name("matrix.toml")
ANYONE, SIGNED_IN = "anyone", "signed in"
SCOPES = frozenset({"authority", "team", "school", "trust", "own", "reviewing", "early help", "nobody"})
CHILDREN, FIGURES, NOBODY, AS_SET = "children", "figures", "nobody", "as set"
SEES = frozenset({CHILDREN, FIGURES, NOBODY, AS_SET})
OF_CHILDREN = frozenset({"child", "children"})
SHOWS = frozenset({"none", "figures", *OF_CHILDREN})


@dataclass(frozen=True, slots=True)
class Role:
    """One role: what it sees (one of SEES), its scopes, the field classes it reads, the statuses a child must have to
    be seen or counted (None: any), and the title and page of the list of its children."""

    key: str
    name: str
    says: str
    sees: str
    scopes: frozenset[str]
    fields: frozenset[Sensitivity]
    statuses: frozenset[str] | None
    list_title: str
    list_page: str

    def reads(self, sensitivity: Sensitivity) -> bool:
        return sensitivity in self.fields


@dataclass(frozen=True, slots=True)
class Page:
    """One page: who may read it and who may send to it (role keys, or ANYONE or SIGNED_IN; None: nobody).

    `early_help`: to whoever has a scope over Early Help it shows every child on Early Help, whether or not social care
    knows the child; other pages of children show such a person those of them that social care has.
    """

    name: str
    says: str
    get: frozenset[str] | str | None
    post: frozenset[str] | str | None
    shows: str
    fields: frozenset[Sensitivity]
    early_help: bool = False

    @property
    def of_children(self) -> bool:
        """Whether it holds records of children, so that what it shows is recorded."""
        return self.shows in OF_CHILDREN

    def audience(self, method: str) -> frozenset[str] | str | None:
        if method in {"GET", "HEAD"}:
            return self.get
        return self.post if method == "POST" else None

    def allows(self, method: str, *, signed_in: bool, role: str | None) -> bool:
        audience = self.audience(method)
        if audience is None:
            return False
        if audience == ANYONE:
            return True
        if audience == SIGNED_IN:
            return signed_in
        return signed_in and role is not None and role in audience


def read(text: str) -> tuple[Mapping[str, Role], Mapping[str, Page]]:
    """The roles and pages of a matrix. Raises BadSetting on a name or value it does not know."""
    held: dict[str, Any] = tomllib.loads(text)
    if set(held) != {"roles", "pages"}:
        raise BadSetting("The permission matrix must hold roles and pages, and nothing else.")
    roles = {key: _role(key, dict(said)) for key, said in held["roles"].items()}
    pages = {name: _page(name, dict(said), roles) for name, said in held["pages"].items()}
    astray = sorted(key for key, role in roles.items() if role.list_page not in pages)
    if astray:
        raise BadSetting(f"The role {astray[0]} has its list on a page that does not exist.")
    return roles, pages


def _role(key: str, said: dict[str, Any]) -> Role:
    scopes = frozenset(said.pop("scopes"))
    if not scopes or scopes - SCOPES:
        raise BadSetting(f"The role {key} has a scope that is none of: {', '.join(sorted(SCOPES))}.")
    sees = said.pop("sees")
    if sees not in SEES:
        raise BadSetting(f"The role {key} must see one of: {', '.join(sorted(SEES))}.")
    if (sees == NOBODY) != (scopes == {NOBODY}):
        raise BadSetting(f"The role {key} sees nobody and has a scope, or the other way about.")
    statuses = said.pop("statuses")
    role = Role(
        key=key,
        name=said.pop("name"),
        says=said.pop("says"),
        sees=sees,
        scopes=scopes,
        fields=_fields(key, said.pop("fields")),
        statuses=None if statuses == "all" else frozenset(statuses),
        list_title=said.pop("list_title"),
        list_page=said.pop("list_page", "cohort"),
    )
    _nothing_left(key, said)
    return role


def _page(name: str, said: dict[str, Any], roles: Mapping[str, Role]) -> Page:
    page = Page(
        name=name,
        says=said.pop("says"),
        get=_audience(name, said.pop("get", None), roles),
        post=_audience(name, said.pop("post", None), roles),
        shows=said.pop("shows"),
        fields=_fields(name, said.pop("fields", [])),
        early_help=said.pop("early_help", False) is True,
    )
    _nothing_left(name, said)
    if page.shows not in SHOWS or (page.get is None and page.post is None):
        raise BadSetting(f"The page {name} of the permission matrix does not say what it shows, or to whom.")
    if page.of_children:
        if isinstance(page.get, str) or isinstance(page.post, str):
            raise BadSetting(f"The page {name} shows children, so it must name the roles that may open it.")
        blind = sorted(k for k in {*(page.get or ()), *(page.post or ())} if roles[k].sees in {FIGURES, NOBODY})
        if blind:
            raise BadSetting(f"The page {name} shows children, and {blind[0]} is a role that sees none.")
    return page


def _audience(name: str, said: Any, roles: Mapping[str, Role]) -> frozenset[str] | str | None:
    if said is None or said in (ANYONE, SIGNED_IN):
        return said  # type: ignore[no-any-return]
    if isinstance(said, str) or not said or set(said) - set(roles):
        raise BadSetting(f"The page {name} of the permission matrix names an audience that is no role.")
    return frozenset(said)


def _fields(name: str, said: list[str]) -> frozenset[Sensitivity]:
    try:
        return frozenset(Sensitivity(f) for f in said)
    except ValueError as error:
        raise BadSetting(f"{name} in the permission matrix names a class of field that does not exist.") from error


def _nothing_left(name: str, said: dict[str, Any]) -> None:
    if said:
        raise BadSetting(f"{name} in the permission matrix has entries nobody reads: {', '.join(sorted(said))}.")


ROLES, PAGES = read(PATH.read_text(encoding="utf-8"))
