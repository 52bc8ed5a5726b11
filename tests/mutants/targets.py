"""What is mutated, and which quick tests have to notice: without servers, those that are about that file."""

from __future__ import annotations

from dataclasses import dataclass

LIBS, SYNC = "libs/common/src/synckit", "services/beteiligte-sync/tests"
COMMON, PROXY = "libs/common/tests", "services/advoware-proxy/src/advoware_proxy"
LAWS = tuple(f"{SYNC}/test_{name}.py" for name in ("laws", "engine"))
ENGINE = "libs/common/src/recordsync"
QUICK = (
    "engine",
    "engine_findings",
    "overwriting_law",
    "foretold_findings",
    "handler",
    "believed_edits",
    "parked",
    "late_posts",
)
ONE_RECORD = tuple(f"{SYNC}/test_{name}.py" for name in QUICK)
CHILDREN = (*ONE_RECORD, f"{SYNC}/test_adressen.py", f"{SYNC}/test_kommunikation_engine.py")
LIES = (*CHILDREN, f"{SYNC}/test_gone_together.py", f"{COMMON}/test_sweep_brake.py", "tests/e2e/test_lies.py")
MORE = ("refusals", "undelivered_notes", "not_imported", "every_refusal", "clocks_apart", "child_crashes", "lock_lost")
WHOLE = (*LIES, f"{COMMON}/test_sieve.py", *(f"{SYNC}/test_{name}.py" for name in MORE))
WORKER = tuple(
    f"{COMMON}/test_worker_{name}.py"
    for name in ("executor", "laws", "parts", "dead_letters", "watchdog", "bounds", "bugs", "hurry", "not_before")
)
PROXIED = tuple(
    f"services/advoware-proxy/tests/test_{name}.py"
    for name in (
        "proxy_once",
        "proxy_calls",
        "path_laws",
        "proxy_crowd",
        "proxy_sent_once",
        "replies_contract",
        "proxy_settings",
    )
)
HOSTILE = (
    *PROXIED,
    "services/advoware-proxy/tests/test_proxy_hostile.py",
    f"{COMMON}/test_office_gate.py",
    f"{COMMON}/test_office_keys_table.py",
)
CLIENTS = tuple(
    f"{COMMON}/test_{name}.py"
    for name in (
        "http_sessions",
        "advoware_client",
        "espocrm_client",
        "circuit",
        "token_trouble",
        "bad_rows",
        "remote_clocks",
    )
)
STORES = (f"{COMMON}/test_postgres_parts.py", f"{COMMON}/test_redis_lease.py")


@dataclass(frozen=True, slots=True)
class Target:
    """One file and its tests, as paths from the root."""

    file: str
    tests: tuple[str, ...]


TARGETS = (
    *(Target(f"{LIBS}/reconcile/{name}.py", LAWS) for name in ("three_way", "plan", "policy")),
    Target(f"{LIBS}/reconcile/brake.py", (f"{COMMON}/test_sweep_brake.py", *LAWS, f"{SYNC}/test_gone_together.py")),
    *(
        Target(f"{ENGINE}/decide/{name}.py", WHOLE)
        for name in ("record", "create", "in_step", "list_work", "parent", "unfinished", "older", "claims", "guard")
    ),
    *(Target(f"{ENGINE}/decide/{name}.py", WHOLE) for name in ("deletion", "plausibility", "erased")),
    *(Target(f"{ENGINE}/decide/{name}.py", WHOLE) for name in ("failure", "refused", "not_taken", "backoff")),
    *(Target(f"{ENGINE}/act/{name}.py", WHOLE) for name in ("actor", "children", "intents", "imports", "parking")),
    Target(f"{ENGINE}/act/telling.py", WHOLE),
    *(Target(f"{ENGINE}/{name}.py", WHOLE) for name in ("engine", "observe", "sieve", "lists")),
    *(
        Target(f"{LIBS}/worker/{name}.py", WORKER)
        for name in ("executor", "lanes", "tracker", "retry", "fuse", "watch", "dead_letters", "delivery")
    ),
    *(Target(f"{LIBS}/postgres/{name}.py", STORES) for name in ("pool", "codec")),
    Target(f"{LIBS}/redis/locks.py", STORES),
    *(Target(f"{PROXY}/domain/{name}.py", HOSTILE) for name in ("path_rules", "header_rules")),
    *(Target(f"libs/common/src/kanzlei/callers/{name}.py", HOSTILE) for name in ("gate", "grants", "table")),
    *(Target(f"{PROXY}/handlers/{name}.py", PROXIED) for name in ("once", "settling", "places", "proxy", "refusals")),
    Target(f"{PROXY}/adapters/upstream.py", PROXIED),
    Target(f"{LIBS}/kafka/publisher.py", (f"{COMMON}/test_kafka_batches.py", f"{COMMON}/test_kafka_renewal.py")),
    *(Target(f"{LIBS}/http/{name}.py", CLIENTS) for name in ("client", "circuit")),
    *(
        Target(f"libs/common/src/kanzlei/{name}.py", CLIENTS)
        for name in ("advoware/auth", "advoware/client", "espocrm/client")
    ),
)
