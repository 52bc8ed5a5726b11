"""Entity definitions in EspoCRM's own entityDefs form, and the attributes that follow from their field types."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.espocrm.definitions import load_json

PROFILES = ("office", "recording", "bare")
INTERNAL = frozenset({"since", "disabled"})
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
    if spec.get("writeOnly"):
        return [Attribute(name, "write_only", name, listed=False)]
    return [_column(str(spec.get("attribute", name)), name, not spec.get("readOnly"))]


def _address(name: str, spec: dict[str, Any]) -> list[Attribute]:
    return [_column(name + part, name, not spec.get("readOnly")) for part in ADDRESS_PARTS]


def _contact_points(name: str, spec: dict[str, Any]) -> list[Attribute]:
    kind, writable = "email" if name == "emailAddress" else "phone", not spec.get("readOnly")
    return [
        Attribute(f"{name}IsOptedOut", f"{kind}_opted_out", name, writable=writable),
        Attribute(f"{name}IsInvalid", f"{kind}_invalid", name, writable=writable),
        Attribute(name, f"{kind}_primary", name, writable=writable),
        Attribute(f"{name}Data", f"{kind}_data", name, listed=False, writable=writable),
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


def _attachments(name: str, spec: dict[str, Any]) -> list[Attribute]:
    return [
        _column(f"{name}Ids", name, not spec.get("readOnly"), "attachment_ids"),
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


def _person_name(name: str, spec: dict[str, Any]) -> list[Attribute]:
    return [Attribute(name, "person_name", name, writable=not spec.get("readOnly"))]


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


def _merge(template: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The template's parts with those given on top."""
    flags = {key: value for key, value in {**template, **given}.items() if key not in ("fields", "links")}
    return {
        **flags,
        "fields": {**template.get("fields", {}), **given.get("fields", {})},
        "links": {**template.get("links", {}), **given.get("links", {})},
    }


def _major(version: str) -> int:
    return int(version.split(".", 1)[0])


Hidden = Callable[[EntityDef], "set[str] | None"]
"""The fields of a record type that somebody does not see, None where he does not see the type at all."""


class Metadata:
    """All entity definitions of one profile; they can be changed while it runs."""

    def __init__(self, profile: str, version: str = "10.0.0") -> None:
        if profile not in PROFILES:
            raise ValueError(f"profile must be one of {', '.join(PROFILES)}")
        self.profile, self.version = profile, version
        raw: dict[str, dict[str, Any]] = load_json("standard")
        for name, given in ({} if profile == "bare" else load_json(profile)).items():
            raw[name] = _merge(raw[name], given) if given.get("extend") else given
        self.entities: dict[str, EntityDef] = {}
        for name, given in raw.items():
            self.add(name, given)

    def add(self, name: str, given: dict[str, Any]) -> EntityDef:
        """A record type from the template that it names and what is given on top."""
        merged = _merge(load_json("templates")[given["type"]], given)
        fields, links = merged.pop("fields"), merged.pop("links")
        for unwanted in merged.pop("without", []):
            fields.pop(unwanted)
        fields = {key: spec for key, spec in fields.items() if _major(spec.get("since", "0.0")) <= _major(self.version)}
        if name in load_json("acl"):
            merged["acl"] = load_json("acl")[name]
        self.entities[name] = EntityDef(name, fields, links, merged)
        return self.entities[name]

    def remove(self, name: str) -> None:
        """Forget a record type, and the links of others to it."""
        self.entities.pop(name)
        for entity in self.entities.values():
            for link in [key for key, spec in entity.links.items() if spec.get("entity") == name]:
                entity.links.pop(link)
                entity.fields.pop(link, None)
            entity.derive()

    def get(self, entity_type: str) -> EntityDef | None:
        """The definition, or None."""
        return self.entities.get(entity_type)

    def change(self, entity_type: str, patch: dict[str, Any]) -> None:
        """Merge fields, links and flags into a definition; an unknown entity type is made from scratch."""
        known = self.entities.get(entity_type)
        if known is None:
            made = {"type": patch.get("type", "Base"), "object": True, "granted": True, "stream": True}
            known = self.add(entity_type, made)
        for name, spec in copy.deepcopy(patch.get("fields", {})).items():
            if spec is None:
                known.fields.pop(name, None)
            else:
                known.fields[name] = spec if "type" in spec else {**known.fields.get(name, {}), **spec}
        known.links.update(copy.deepcopy(patch.get("links", {})))
        known.flags.update({key: value for key, value in patch.items() if key not in ("fields", "links", "type")})
        known.derive()

    def lookup(self, path: str, hidden: Hidden) -> Any:
        """What GET Metadata?key=… answers: entityDefs.X.fields.f, scopes, scopes.X; None for what is not there."""
        node: Any = self.tree(hidden)
        for part in path.split("."):
            node = node.get(part) if isinstance(node, dict) else None
        return node

    def tree(self, hidden: Hidden) -> dict[str, Any]:
        """Everything that one user sees of it."""
        found: dict[str, Any] = {"entityDefs": {}, "scopes": {}}
        for name, entity in self.entities.items():
            unseen = hidden(entity)
            if unseen is not None:
                found["entityDefs"][name] = _entity_defs(entity, unseen)
                found["scopes"][name] = _scope(entity)
        return found


def _entity_defs(entity: EntityDef, unseen: set[str]) -> dict[str, Any]:
    fields = {
        name: {key: value for key, value in spec.items() if key not in INTERNAL}
        for name, spec in entity.fields.items()
        if name not in unseen
    }
    links = {name: spec for name, spec in entity.links.items() if name not in unseen}
    collection = {"orderBy": entity.flags.get("orderBy", "createdAt"), "order": "desc"}
    defs: dict[str, Any] = {"fields": fields, "links": links, "collection": collection}
    if entity.flag("optimisticConcurrencyControl"):
        defs["optimisticConcurrencyControl"] = True
    return defs


def _scope(entity: EntityDef) -> dict[str, Any]:
    flags = {key: entity.flag(key) for key in ("stream", "object", "stars", "disabled", "isCustom")}
    module = {"module": "Custom"} if entity.flag("isCustom") else {}
    return {"entity": True, **flags, **module, "type": entity.flags.get("type")}
