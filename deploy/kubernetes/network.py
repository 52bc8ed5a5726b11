"""Says who may open a connection to whom under a list of NetworkPolicies, without a cluster.

It knows the part of NetworkPolicy that we use: selectors by labels and by expressions (In), namespaces, address
blocks, ports by number or by the container port's name. Anything else raises ValueError: a policy is never read as
more than it says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

OUTSIDE = "outside"
OURS = "synckit"
NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class End:
    """One end of a connection: a pod by its labels and its namespace's; without a namespace, an address elsewhere."""

    namespace: Mapping[str, str] | None
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)


def allowed(policies: Sequence[Mapping[str, Any]], source: End, target: End, port: int) -> bool:
    """Whether both ends' policies let `source` open `port` (TCP) of `target`.

    Policies are those of our namespace; an end elsewhere is bound by none of them.
    """
    return _way(policies, "Egress", source, target, port) and _way(policies, "Ingress", target, source, port)


def _way(policies: Sequence[Mapping[str, Any]], way: str, held: End, other: End, port: int) -> bool:
    ours = [policy for policy in policies if _holds(policy, way, held)]
    if not ours:
        return True
    rules = [rule for policy in ours for rule in policy["spec"].get(way.lower(), [])]
    peers = "to" if way == "Egress" else "from"
    # The port is always the target's own, whichever end the policy holds.
    target = other if way == "Egress" else held
    return any(_opens(rule, peers, other, target, port) for rule in rules)


def _holds(policy: Mapping[str, Any], way: str, end: End) -> bool:
    in_namespace = end.namespace is not None and end.namespace.get(NAME) == policy["metadata"].get("namespace", OURS)
    return in_namespace and way in policy["spec"]["policyTypes"] and _selects(policy["spec"]["podSelector"], end.labels)


def _opens(rule: Mapping[str, Any], peers: str, other: End, target: End, port: int) -> bool:
    _only(rule, {peers, "ports"})
    return any(_is(peer, other) for peer in rule[peers]) and any(_port(entry, target, port) for entry in rule["ports"])


def _is(peer: Mapping[str, Any], end: End) -> bool:
    _only(peer, {"namespaceSelector", "podSelector", "ipBlock"})
    if "ipBlock" in peer:
        return end.namespace is None
    if end.namespace is None:
        return False
    return _selects(peer.get("namespaceSelector", {}), end.namespace) and _selects(
        peer.get("podSelector", {}), end.labels
    )


def _port(entry: Mapping[str, Any], target: End, port: int) -> bool:
    _only(entry, {"protocol", "port"})
    named = entry["port"] if isinstance(entry["port"], int) else target.ports.get(entry["port"])
    return entry["protocol"] == "TCP" and named == port


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    _only(selector, {"matchLabels", "matchExpressions"})
    for expression in selector.get("matchExpressions", []):
        if expression["operator"] != "In":
            raise ValueError(f"operator {expression['operator']} is not read here")
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def _only(part: Mapping[str, Any], known: set[str]) -> None:
    if unknown := set(part) - known:
        raise ValueError(f"{sorted(unknown)} is not read here")
