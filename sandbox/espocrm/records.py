"""Create, read, update and delete of any record type, with EspoCRM's order of checks and its in-memory answers."""

from __future__ import annotations

from typing import Any

from sandbox.espocrm import access, link_hook
from sandbox.espocrm.addresses import Saver
from sandbox.espocrm.drafts import Draft, Hooks
from sandbox.espocrm.duplicates import find_duplicates, index_record
from sandbox.espocrm.emitter import Emitter
from sandbox.espocrm.errors import ApiError, not_found, translated
from sandbox.espocrm.events import changed_attributes
from sandbox.espocrm.metadata import EntityDef
from sandbox.espocrm.store import Record
from sandbox.espocrm.stream import Stream
from sandbox.espocrm.users import User
from sandbox.espocrm.validation import is_date_time, validate
from sandbox.espocrm.views import Views, email_kind, phone_kind
from sandbox.espocrm.world import World

LINK_CHECK_DISABLED = frozenset({"Attachment", "Team", "assignedUser", "parent"})
"""Foreign types and links whose access is checked elsewhere: by owner, by the assignment permission, by the hooks."""


class RecordService:
    """The write side of the API. One per app; hooks by record type."""

    def __init__(self, world: World, views: Views, stream: Stream, hooks: dict[str, Hooks]) -> None:
        self.world = world
        self.views = views
        self.stream = stream
        self.hooks = hooks
        self.emitter = Emitter(world)

    def hooks_of(self, entity: EntityDef) -> Hooks:
        """The hooks of a record type."""
        return self.hooks.get(entity.name) or Hooks()

    def read(self, user: User, entity: EntityDef, record_id: str) -> dict[str, Any]:
        """GET X/{id}; an admin sees deleted records."""
        access.require(user, entity, "read")
        record = self.world.store.find(entity.name, record_id, deleted=user.is_admin)
        if record is None or not self.hooks_of(entity).visible(user, record):
            raise not_found(f"Record {record_id} does not exist.")
        access.require(user, entity, "read", record)
        shown = self.hooks_of(entity).shape_read(record, self._whole(user, entity, record))
        return self.cut(user, entity, shown)

    def _whole(self, user: User, entity: EntityDef, record: Record) -> dict[str, Any]:
        whole = self.views.whole(entity, record)
        if entity.flag("stream"):
            whole["isFollowed"] = user.id in record.followers
        return whole

    @staticmethod
    def read_access(user: User, entity: EntityDef) -> None:
        """403 without the right to read the scope at all."""
        access.require(user, entity, "read")

    def cut(self, user: User, entity: EntityDef, shown: dict[str, Any]) -> dict[str, Any]:
        """Without what the user's role hides."""
        hidden = access.hidden_attributes(user, entity)
        return {key: value for key, value in shown.items() if key not in hidden} if hidden else shown

    def create(
        self, user: User, entity: EntityDef, data: dict[str, Any], *, skip_duplicates: bool = False
    ) -> tuple[dict[str, Any], str]:
        """POST X: the record as far as it was set, and its id."""
        access.require(user, entity, "create")
        hooks = self.hooks_of(entity)
        data = hooks.filter_create(user, data)
        draft = Draft(entity, Record(entity.name, self.world.store.new_id()), user)
        draft.current.update({"id": draft.record.id, "deleted": False})
        draft.set(data)
        draft.set_defaults()
        validate(entity, draft.current, draft.sent, self.world.settings, is_new=True)
        self._check_links(draft)
        if not skip_duplicates:
            self._check_duplicates(draft)
        hooks.before_create(draft)
        self._stamp_new(draft)
        self._store(draft)
        self.stream.record_created(draft)
        event = {**draft.current, "isFollowed": False} if entity.flag("stream") else draft.current
        self.emitter.created(entity, draft.record.id, user, _in_order(entity, event))
        hooks.after_create(draft)
        answer = hooks.shape_created(draft, self._loaded(draft))
        return self.cut(user, entity, _in_order(entity, answer)), draft.record.id

    def _stamp_new(self, draft: Draft) -> None:
        now = self.world.clock.stamp()
        draft.current["createdAt"] = now
        if "modifiedAt" in draft.entity.attributes:
            draft.current["modifiedAt"] = now
        if "createdById" in draft.entity.attributes:
            draft.current["createdById"] = draft.user.id
        if draft.entity.flag("stream"):
            draft.current["streamUpdatedAt"] = now
        if draft.entity.flag("optimisticConcurrencyControl"):
            draft.current["versionNumber"] = 1
        if "number" in draft.entity.attributes:
            draft.record.values["number"] = self.world.store.next_number(draft.entity.name)
        self._default_currency(draft)

    def _default_currency(self, draft: Draft) -> None:
        for name, spec in draft.entity.fields.items():
            if spec["type"] == "currency" and draft.current.get(name) is not None:
                draft.current.setdefault(f"{name}Currency", self.world.settings.default_currency)
                draft.current[f"{name}Converted"] = draft.current[name]

    def _loaded(self, draft: Draft) -> dict[str, Any]:
        """What EspoCRM loads into a record after it was created: addresses, names of links, links to many."""
        answer = dict(draft.current)
        kinds = (
            "email_data",
            "phone_data",
            "link_name",
            "parent_name",
            "link_ids",
            "link_names",
            "attachment_ids",
            "attachment_names",
            "attachment_types",
            "is_followed",
            "followers",
            "followers_names",
            "is_starred",
        )
        for attribute in draft.entity.attributes.values():
            if attribute.kind in kinds:
                answer[attribute.name] = self.views.value(draft.entity, draft.record, attribute.name)
        if draft.entity.flag("stream"):
            answer["isFollowed"] = draft.user.id in draft.record.followers
        return answer

    def update(
        self, user: User, entity: EntityDef, record_id: str, data: dict[str, Any], version: str | None = None
    ) -> dict[str, Any]:
        """PUT and PATCH: the whole record as it is in memory after the save."""
        access.require(user, entity, "edit")
        record = self.world.store.find(entity.name, record_id)
        hooks = self.hooks_of(entity)
        if record is None or not hooks.visible(user, record):
            raise not_found(f"Record {record_id} not found.")
        access.require(user, entity, "edit", record)
        draft = self.draft(user, entity, record)
        draft.set(data)
        validate(entity, draft.current, draft.sent, self.world.settings, is_new=False)
        self._check_links(draft)
        self._check_version(draft, version)
        hooks.before_update(draft)
        self.save_changed(draft)
        return self.cut(user, entity, hooks.shape_read(record, draft.current))

    def draft(self, user: User, entity: EntityDef, record: Record) -> Draft:
        """A record in memory as it was read, to be changed and saved."""
        whole = self._whole(user, entity, record)
        return Draft(entity, record, user, whole, dict(whole))

    def save_changed(self, draft: Draft, *, with_modifier_name: bool = True) -> None:
        """Store a changed draft, write its stream, tell the webhooks."""
        self._refresh_links(draft)
        self._default_currency(draft)
        draft.current["modifiedAt"] = self.world.clock.stamp()
        if "modifiedById" in draft.entity.attributes and draft.fetched.get("modifiedById") != draft.user.id:
            draft.current["modifiedById"] = draft.user.id
            if with_modifier_name:
                draft.current["modifiedByName"] = draft.user.name
        if draft.entity.flag("optimisticConcurrencyControl"):
            draft.current["versionNumber"] = int(draft.fetched.get("versionNumber") or 0) + 1
        self._store(draft)
        self.hooks_of(draft.entity).after_update(draft)
        changed = changed_attributes(draft.entity, draft.fetched, draft.current)
        self.stream.record_updated(draft, changed)
        self.emitter.updated(draft.entity, draft.record.id, draft.user, changed, draft.current)

    def mass_update(self, user: User, entity: EntityDef, record: Record, data: dict[str, Any]) -> bool:
        """One record of a mass update; one that fails validation is skipped."""
        draft = self.draft(user, entity, record)
        draft.set(data)
        try:
            validate(entity, draft.current, draft.sent, self.world.settings, is_new=False)
            self._check_links(draft)
        except ApiError:
            return False
        self.save_changed(draft, with_modifier_name=False)
        return True

    def delete(self, user: User, entity: EntityDef, record_id: str) -> None:
        """DELETE X/{id}: soft."""
        access.require(user, entity, "delete")
        record = self.world.store.find(entity.name, record_id)
        if record is None or not self.hooks_of(entity).visible(user, record):
            raise not_found(f"Record {record_id} not found.")
        access.require(user, entity, "delete", record)
        record.deleted = True
        record.followers.clear()
        record.values["modifiedAt"] = self.world.clock.stamp()
        self.world.changes.add(entity.name, record_id, "delete", user.user_name, {})
        self.hooks_of(entity).after_delete(record)
        self.emitter.deleted(entity, record_id, user)

    def _check_version(self, draft: Draft, version: str | None) -> None:
        if version is None or not draft.entity.flag("optimisticConcurrencyControl"):
            return
        stored = int(draft.fetched.get("versionNumber") or 0)
        sent = int(version) if version.strip().isdigit() else 0
        differing = {key: draft.fetched.get(key) for key in draft.sent if draft.current[key] != draft.fetched.get(key)}
        if sent != stored and differing:
            raise ApiError(409, "modified", {"values": differing, "versionNumber": stored})

    def _check_duplicates(self, draft: Draft) -> None:
        found = find_duplicates(self.world.store, draft.entity, draft.current)
        if found:
            rows = [self.cut(draft.user, draft.entity, self.views.row(draft.entity, record)) for record in found]
            raise ApiError(409, "duplicate", rows)

    def _check_links(self, draft: Draft) -> None:
        """Every record newly linked must exist, and the user must be allowed to read it."""
        for name, spec in draft.entity.fields.items():
            foreign = draft.entity.links.get(name, {}).get("entity")
            if spec["type"] == "linkParent":
                foreign = draft.current.get(f"{name}Type")
            for each in self._newly_linked(draft, name) if foreign else []:
                self._check_foreign(draft, name, str(foreign), each)

    def _check_foreign(self, draft: Draft, link: str, foreign: str, foreign_id: str) -> None:
        record = self.world.store.find(foreign, foreign_id)
        if record is None:
            reason = f"Can't relate with non-existing record. entity type: {draft.entity.name}, link: {link}."
            raise translated(403, reason, "cannotRelateNonExisting", {"foreignEntityType": foreign})
        entity = self.world.entity(foreign)
        checked = entity is not None and foreign not in LINK_CHECK_DISABLED and link not in LINK_CHECK_DISABLED
        if entity is not None and checked and not access.may_record(draft.user, entity, record, "read"):
            reason = f"No foreign record access for link operation ({draft.entity.name}:{link})."
            raise translated(403, reason, "cannotRelateForbidden", {"foreignEntityType": foreign, "action": "read"})

    @staticmethod
    def _newly_linked(draft: Draft, name: str) -> list[str]:
        found = []
        key = f"{name}Id"
        if key in draft.sent and draft.current[key] and draft.current[key] != draft.fetched.get(key):
            found.append(str(draft.current[key]))
        key = f"{name}Ids"
        if key in draft.sent:
            known = draft.fetched.get(key) or []
            found += [str(each) for each in draft.current[key] or [] if each not in known]
        return found

    def _refresh_links(self, draft: Draft) -> None:
        """The names that belong to links which the client has just changed."""
        for key in draft.sent:
            attribute = draft.entity.attributes[key]
            foreign = draft.entity.links.get(attribute.field, {}).get("entity")
            if key == f"{attribute.field}Id" and f"{attribute.field}Name" in draft.current:
                foreign = foreign or draft.current.get(f"{attribute.field}Type")
                draft.current[f"{attribute.field}Name"] = self.views.name_of(foreign, draft.current[key])
            elif attribute.kind == "link_ids":
                names = {each: self.views.name_of(foreign, each) for each in draft.current[key]}
                draft.current[f"{attribute.field}Names"] = names

    def _store(self, draft: Draft) -> None:
        for name, attribute in draft.entity.attributes.items():
            if attribute.stored and name in draft.current and draft.current[name] != draft.fetched.get(name):
                draft.record.values[name] = _stored(draft.entity, attribute.field, draft.current[name])
        self.world.store.add(draft.record)
        self._store_addresses(draft)
        for key in draft.sent:
            if draft.entity.attributes[key].kind == "link_ids":
                self._store_links(draft, draft.entity.attributes[key].field, draft.current[key] or [])
        self._claim_files(draft)
        index_record(self.world.store, draft.entity, draft.record)

    def _claim_files(self, draft: Draft) -> None:
        """An attachment belongs to the record that names it in a field."""
        for key in draft.sent:
            if draft.entity.type_of(draft.entity.attributes[key].field) in ("file", "image", "attachmentMultiple"):
                ids = draft.current[key] if isinstance(draft.current[key], list) else [draft.current[key]]
                for each in ids:
                    if attachment := self.world.store.find("Attachment", str(each)):
                        attachment.values.update({"relatedId": draft.record.id, "relatedType": draft.entity.name})
        told = {name: draft.current[name] for name in changed_attributes(draft.entity, draft.fetched, draft.current)}
        verb = "update" if draft.fetched else "create"
        self.world.changes.add(draft.entity.name, draft.record.id, verb, draft.user.user_name, told)

    def _store_addresses(self, draft: Draft) -> None:
        if "emailAddress" in draft.entity.fields:
            Saver(self.world.store, draft.record, email_kind()).save(draft.current, draft.fetched, draft.sent)
        if "phoneNumber" in draft.entity.fields:
            kind = phone_kind(draft.entity)
            Saver(self.world.store, draft.record, kind).save(draft.current, draft.fetched, draft.sent)

    def _store_links(self, draft: Draft, link: str, wanted: list[str]) -> None:
        known = self.views.linked_ids(draft.entity, link, draft.record.id)
        for each in known:
            if each not in wanted:
                self._change_link(draft, link, each, linked=False)
        for each in wanted:
            if each not in known:
                self._change_link(draft, link, each, linked=True)

    def _change_link(self, draft: Draft, link: str, foreign_id: str, *, linked: bool) -> None:
        own = (draft.entity.name, draft.record.id)
        self.set_link(draft.entity, link, draft.record.id, foreign_id, linked=linked)
        foreign = (str(draft.entity.links[link]["entity"]), foreign_id)
        link_hook.related(self.world, own, link, foreign, linked=linked)

    def set_link(self, entity: EntityDef, link: str, record_id: str, foreign_id: str, *, linked: bool) -> None:
        """Link or unlink two records, both sides; no event, no modifiedAt."""
        spec = entity.links[link]
        foreign_type = str(spec["entity"])
        if "relationName" not in spec:
            other = self.world.store.find(foreign_type, foreign_id)
            if other is not None and (linked or other.values.get(f"{spec['foreign']}Id") == record_id):
                other.values[f"{spec['foreign']}Id"] = record_id if linked else None
            return
        change = self.world.store.relate if linked else self.world.store.unrelate
        change(entity.name, link, record_id, foreign_id)
        if spec.get("foreign"):
            change(foreign_type, str(spec["foreign"]), foreign_id, record_id)


def _in_order(entity: EntityDef, shown: dict[str, Any]) -> dict[str, Any]:
    """The keys in the order of the definition, those that it does not know last."""
    known = {name: shown[name] for name in entity.attributes if name in shown}
    return {**known, **shown}


def _stored(entity: EntityDef, field: str, value: Any) -> Any:
    """What the column holds: date-times get their seconds."""
    is_short = isinstance(value, str) and len(value) == len("2026-01-02 03:04")
    if entity.type_of(field) in ("datetime", "datetimeOptional") and is_short and is_date_time(value):
        return f"{value}:00"
    return value
