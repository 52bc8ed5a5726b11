"""Who may do what in Kafka: `deploy/kafka/acls.yaml` → single rights, and the commands that grant them. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synckit.kafka.declaration import DeclarationError

ACLS_FILE = "deploy/kafka/acls.yaml"
ALL = "all"
OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "describe": ("Describe", "DescribeConfigs"),
    "read": ("Read",),
    "write": ("Write",),
    "manage": ("Create", "Describe", "Alter", "DescribeConfigs", "AlterConfigs"),
    "groups": ("Read",),
}
"""Word of the file → Kafka's operations. Read and Write bring Describe along."""


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One operation of one user on one topic or group, by its whole name."""

    user: str
    resource: str
    name: str
    operation: str


def parse_acls(document: object, topics: Collection[str]) -> tuple[Right, ...]:
    """`topics`: all that are declared, which `all` stands for. DeclarationError."""
    users = document.get("users") if isinstance(document, dict) and set(document) == {"users"} else None
    if not isinstance(users, dict) or not all(isinstance(words, dict) for words in users.values()):
        raise DeclarationError("the file of rights has exactly the section `users`: user → word → names")
    return tuple(sorted({right for user, words in users.items() for right in _rights(str(user), words, topics)}))


def commands(rights: Sequence[Right], principal: str, bootstrap_servers: str) -> Iterator[str]:
    """Lines for a shell with Kafka's own tools: one a user and operation. `principal` has `{}` for the user's name."""
    lines: dict[tuple[str, str, str], list[str]] = {}
    for right in rights:
        lines.setdefault((right.user, right.resource, right.operation), []).append(right.name)
    for (user, resource, operation), names in lines.items():
        allow = ["--allow-principal", principal.format(user), "--operation", operation]
        objects = [word for name in names for word in (f"--{resource}", name)]
        yield shlex.join(["kafka-acls.sh", "--bootstrap-server", bootstrap_servers, "--add", *allow, *objects])


def _rights(user: str, words: Mapping[Any, Any], topics: Collection[str]) -> Iterator[Right]:
    for word, names in words.items():
        if word not in OPERATIONS:
            raise DeclarationError(f"{user}: unknown word {word}; there are {', '.join(OPERATIONS)}")
        resource = "group" if word == "groups" else "topic"
        for name in _names(user, word, names, topics):
            if resource == "topic" and name not in topics:
                raise DeclarationError(f"{user}: {word}: no topic {name} is declared")
            yield from (Right(user, resource, name, operation) for operation in OPERATIONS[word])


def _names(user: str, word: str, names: object, topics: Collection[str]) -> list[str]:
    if names == ALL and word != "groups":
        return sorted(topics)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise DeclarationError(f"{user}: {word}: a list of names, or `{ALL}`")
    return names
