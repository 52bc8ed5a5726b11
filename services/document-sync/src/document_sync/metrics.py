"""What document-sync counts. Labels are words of ours; all of them are there with 0 from the start."""

from __future__ import annotations

from collections.abc import Mapping

from synckit.service.metrics import counter, expected, gauge, of

STATES = ("no_sync", "pending_sync", "clean", "unclean", "failed")
RESULTS = ("written", "nothing_to_do", "dry", "held")
FINDINGS = ("orphan_file", "orphan_collection", "dead_reference", "wrong_collection", "duplicate_file")
REFUSED_STEPS = ("refused_upload", "refused_attach", "refused_reindex", "refused_write_id")

LOOKS = counter("sync_documents_looks_total", "Looks at documents and records.", "noun", "result")
STEPS = counter("sync_documents_steps_total", "What looks did, by its word in the plan.", "step")
REFUSED = counter("sync_documents_refused_total", "What a remote refused to a look, by its step.", "step")
DOCUMENTS = gauge("sync_documents_by_state", "Documents, by what EspoCRM shows of them.", "state")
COLLECTIONS = gauge("sync_documents_collections", "Collections that are there.")
HELD = gauge("sync_documents_collections_held", "Collections that wait for a person before they are taken back.")
OUT = gauge("sync_documents_transfers_out", "Transfers that are not taken back.")
UNNEEDED = gauge("sync_documents_files_unneeded", "Files at xAI that nothing needs, and that are kept for a while.")
OLDEST_DUE = gauge("sync_documents_oldest_due_seconds", "Since the document longest due has been.")

AUDIT = gauge("sync_documents_audit_findings", "Findings of the last nightly audit.", "kind")

expected(LOOKS, ("document", "record"), RESULTS)
expected(DOCUMENTS, STATES)
expected(AUDIT, FINDINGS)
expected(REFUSED, REFUSED_STEPS)


def audited(found: Mapping[str, int]) -> None:
    """Replaces what the audit before has shown."""
    for kind in FINDINGS:
        AUDIT.labels(kind).set(found.get(kind, 0))


def looked(noun: str, result: str) -> None:
    """One look is over. `noun`: document or record."""
    of(LOOKS, noun, result).inc()


def step(word: str) -> None:
    """A step was done, or refused."""
    if word in REFUSED_STEPS:
        of(REFUSED, word).inc()
    else:
        of(STEPS, word).inc()
