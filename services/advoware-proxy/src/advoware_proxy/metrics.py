"""What advoware-proxy counts."""

from __future__ import annotations

from synckit.service.metrics import FAST, counter, gauge, histogram, of

PROXY_CALLS = counter("sync_proxy_calls_total", "Calls of the Advoware proxy's callers.", "method", "outcome", "code")
PROXY_SECONDS = histogram("sync_proxy_seconds", "From a call's headers to the last byte answered.", FAST, "outcome")
PROXY_IN_FLIGHT = gauge("sync_proxy_in_flight", "Calls of the Advoware proxy being carried out.")
PROXY_AUDIT_WAITING = gauge("sync_proxy_audit_waiting", "Lines of the proxy's audit that are not written yet.")


def proxy_call(method: str, outcome: str, code: str, seconds: float) -> None:
    """`code` is the status that was answered."""
    of(PROXY_CALLS, method, outcome, code).inc()
    of(PROXY_SECONDS, outcome).observe(seconds)
