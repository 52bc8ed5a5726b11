"""Entity definitions in EspoCRM's own entityDefs form, and the attributes that follow from their field types."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

PROFILES = ("office", "recording")
ADDRESS_PARTS = ("Street", "City", "State", "Country", "PostalCode")


@dataclass(frozen=True)
class Attribute:
    """One key of a record in the API. `kind` says how it is stored and read."""

    name: str
    kind: str
    field: str
    stored: bool = False
    listed: bool = True
    writable: bool = True


@dataclass
class EntityDef:
    """A record type: flags of its scope, fields, links, and the attributes derived from them."""

    name: str
    fields: dict[str, dict[str, Any]]
    links: dict[str, dict[str, Any]]
    flags: dict[str, Any]
    attributes: dict[str, Attribute] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.derive()

    def derive(self) -> None:
        """Work the attributes out again, after fields or flags have changed."""
        found = [
            Attribute("id", "id", "id", writable=False),
            Attribute("deleted", "deleted", "deleted", writable=False),
        ]
        for name, spec in self.fields.items():
            if not spec.get("disabled"):
                found.extend(_attributes_of(name, spec))
        found.extend(self._flag_attributes())
        self.attributes = {each.name: each for each in sorted(found, key=_rank)}

    def _flag_attributes(self) -> list[Attribute]:
        found = []
        if self.flag("stream"):
            found += [
                Attribute("streamUpdatedAt", "column", "streamUpdatedAt", stored=True, writable=False),
                Attribute("isFollowed", "is_followed", "followers", listed=False, writable=False),
                Attribute("followersIds", "followers", "followers", listed=False, writable=False),
                Attribute("followersNames", "followers_names", "followers", listed=False, writable=False),
            ]
        if self.flag("stars"):
            found.append(Attribute("isStarred", "is_starred", "isStarred", writable=False))
        if self.flag("optimisticConcurrencyControl"):
            found.append(Attribute("versionNumber", "column", "versionNumber", stored=True, writable=False))
        return found

    def flag(self, name: str) -> bool:
        """A flag of the scope."""
        return bool(self.flags.get(name))

    def type_of(self, field_name: str) -> str | None:
        """The field's type, or None where there is no such field."""
        spec = self.fields.get(field_name)
        return None if spec is None else str(spec["type"])

    @property
    def is_person(self) -> bool:
        """True where the name is computed from first and last name."""
        return self.type_of("name") == "personName"

    def attributes_of_field(self, field_name: str) -> list[str]:
        """The keys that belong to a field, as a fieldUpdate webhook sends them."""
        if self.type_of(field_name) == "personName":
            return [
                key
                for key in ("salutationName", "firstName", "lastName", "middleName", "name")
                if key in self.attributes
            ]
        return [each.name for each in self.attributes.values() if each.field == field_name]


def _rank(attribute: Attribute) -> int:
    """EspoCRM's order of keys: columns, stamps, what is joined, links, followers."""
    first = {"id": 0, "name": 1, "deleted": 2, "createdAt": 4, "modifiedAt": 4, "middleName": 5, "streamUpdatedAt": 6}
    if attribute.name in first:
        return first[attribute.name]
    if attribute.name == f"{attribute.field}Currency":
        return 5
    by_kind = {"column": 3, "email_primary": 3, "phone_primary": 3, "attachment_ids": 10, "is_followed": 11}
    joined = {
        "email_data": 7,
        "phone_data": 7,
        "converted": 8,
        "followers": 12,
        "followers_names": 12,
        "is_starred": 13,
    }
    if attribute.kind.endswith(("_opted_out", "_invalid")):
        return 5
    if attribute.name == "versionNumber":
        return 14
    is_link_id = (
        attribute.kind == "column" and attribute.name != attribute.field and attribute.name.endswith(("Id", "Type"))
    )
    return 9 if is_link_id else {**by_kind, **joined}.get(attribute.kind, 9)


def _column(name: str, field_name: str, writable: bool, kind: str = "column") -> Attribute:
    return Attribute(name, kind, field_name, stored=True, writable=writable)


def _plain(name: str, spec: dict[str, Any]) -> list[Attribute]:
    return [_column(str(spec.get("attribute", name)), name, not spec.get("readOnly"))]


def _address(name: str, spec: dict[str, Any]) -> list[Attribute]:
    return [_column(name + part, name, not spec.get("readOnly")) for part in ADDRESS_PARTS]


def _contact_points(name: str, _: dict[str, Any]) -> list[Attribute]:
    kind = "email" if name == "emailAddress" else "phone"
    return [
        Attribute(f"{name}IsOptedOut", f"{kind}_opted_out", name),
        Attribute(f"{name}IsInvalid", f"{kind}_invalid", name),
        Attribute(name, f"{kind}_primary", name),
        Attribute(f"{name}Data", f"{kind}_data", name, listed=False),
    ]


def _link(name: str, spec: dict[str, Any]) -> list[Attribute]:
    writable = not spec.get("readOnly")
    return [_column(f"{name}Id", name, writable), Attribute(f"{name}Name", "link_name", name, writable=False)]


def _link_parent(name: str, spec: dict[str, Any]) -> list[Attribute]:
    writable = not spec.get("readOnly")
    columns = [_column(f"{name}Id", name, writable), _column(f"{name}Type", name, writable)]
    if spec.get("noName"):
        return columns
    return [*columns, Attribute(f"{name}Name", "parent_name", name, listed=False, writable=False)]


def _link_multiple(name: str, spec: dict[str, Any]) -> list[Attribute]:
    return [
        Attribute(f"{name}Ids", "link_ids", name, listed=False, writable=not spec.get("readOnly")),
        Attribute(f"{name}Names", "link_names", name, listed=False, writable=False),
    ]


def _attachments(name: str, _: dict[str, Any]) -> list[Attribute]:
    return [
        _column(f"{name}Ids", name, True, "attachment_ids"),
        Attribute(f"{name}Names", "attachment_names", name, listed=False, writable=False),
        Attribute(f"{name}Types", "attachment_types", name, listed=False, writable=False),
    ]


def _currency(name: str, spec: dict[str, Any]) -> list[Attribute]:
    writable = not spec.get("readOnly")
    return [
        _column(name, name, writable),
        _column(f"{name}Currency", name, writable),
        Attribute(f"{name}Converted", "converted", name, writable=False),
    ]


def _person_name(name: str, _: dict[str, Any]) -> list[Attribute]:
    return [Attribute(name, "person_name", name)]


def _foreign(name: str, _: dict[str, Any]) -> list[Attribute]:
    return [Attribute(name, "nothing", name, writable=False)]


_BY_TYPE: dict[str, Callable[[str, dict[str, Any]], list[Attribute]]] = {
    "address": _address,
    "email": _contact_points,
    "phone": _contact_points,
    "link": _link,
    "file": _link,
    "image": _link,
    "linkParent": _link_parent,
    "linkMultiple": _link_multiple,
    "attachmentMultiple": _attachments,
    "currency": _currency,
    "personName": _person_name,
    "foreign": _foreign,
}


def _attributes_of(name: str, spec: dict[str, Any]) -> list[Attribute]:
    return _BY_TYPE.get(str(spec["type"]), _plain)(name, spec)


def _load(name: str) -> dict[str, Any]:
    text = resources.files("sandbox.espocrm").joinpath("definitions", f"{name}.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _merge(template: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The template's parts with those given on top."""
    flags = {key: value for key, value in {**template, **given}.items() if key not in ("fields", "links")}
    return {
        **flags,
        "fields": {**template.get("fields", {}), **given.get("fields", {})},
        "links": {**template.get("links", {}), **given.get("links", {})},
    }


class Metadata:
    """All entity definitions of one profile; they can be changed while it runs."""

    def __init__(self, profile: str) -> None:
        if profile not in PROFILES:
            raise ValueError(f"profile must be one of {', '.join(PROFILES)}")
        self.profile = profile
        templates = _load("templates")
        raw: dict[str, dict[str, Any]] = _load("standard")
        for name, given in _load(profile).items():
            raw[name] = _merge(raw[name], given) if given.get("extend") else given
        self.entities: dict[str, EntityDef] = {}
        for name, given in raw.items():
            merged = _merge(templates[given["type"]], given)
            fields, links = merged.pop("fields"), merged.pop("links")
            for unwanted in merged.pop("without", []):
                fields.pop(unwanted)
            self.entities[name] = EntityDef(name, fields, links, merged)

    def get(self, entity_type: str) -> EntityDef | None:
        """The definition, or None."""
        return self.entities.get(entity_type)

    def change(self, entity_type: str, patch: dict[str, Any]) -> None:
        """Merge fields, links and flags into a definition; an unknown entity type is made from scratch."""
        known = self.entities.get(entity_type)
        if known is None:
            base = _merge(
                _load("templates")[patch.get("type", "Base")], {"object": True, "granted": True, "stream": True}
            )
            known = EntityDef(entity_type, base.pop("fields"), base.pop("links"), base)
            self.entities[entity_type] = known
        known.fields.update(copy.deepcopy(patch.get("fields", {})))
        known.links.update(copy.deepcopy(patch.get("links", {})))
        known.flags.update({key: value for key, value in patch.items() if key not in ("fields", "links", "type")})
        known.derive()

    def lookup(self, path: str) -> Any:
        """What GET Metadata?key=… answers: entityDefs.X.fields.f and scopes.X."""
        parts = path.split(".")
        node: Any = self.tree() if len(parts) < 2 else None
        if len(parts) >= 2 and (entity := self.entities.get(parts[1])) is not None:
            node = {parts[1]: self._tree_of(entity)[parts[0]]} if parts[0] in ("entityDefs", "scopes") else None
        for part in parts[1:] if len(parts) >= 2 else []:
            node = node.get(part) if isinstance(node, dict) else None
        return node.get(parts[0]) if len(parts) < 2 and isinstance(node, dict) else node

    @staticmethod
    def _tree_of(entity: EntityDef) -> dict[str, Any]:
        collection = {"orderBy": entity.flags.get("orderBy", "createdAt"), "order": "desc"}
        defs: dict[str, Any] = {"fields": entity.fields, "links": entity.links, "collection": collection}
        if entity.flag("optimisticConcurrencyControl"):
            defs["optimisticConcurrencyControl"] = True
        scope = {key: entity.flag(key) for key in ("stream", "object", "stars")}
        return {"entityDefs": defs, "scopes": {"entity": True, **scope, "type": entity.flags.get("type")}}

    def tree(self) -> dict[str, Any]:
        """Everything."""
        trees = {name: self._tree_of(entity) for name, entity in self.entities.items()}
        return {key: {name: tree[key] for name, tree in trees.items()} for key in ("entityDefs", "scopes")}
