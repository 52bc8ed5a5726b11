"""Time limits for tests: generous, so that a stalled machine breaks nothing, and short ones for an injected silence.

An impatient client belongs in the test that takes the answer away from it, and nowhere else.
"""

from __future__ import annotations

from dataclasses import replace

from synckit.http.wiring import HttpLimits, Wiring

PATIENT_LIMITS = HttpLimits(total=60, connect=60, read=60, queue=60, whole=90)
PATIENT = Wiring(limits=PATIENT_LIMITS)
IMPATIENT_LIMITS = replace(PATIENT_LIMITS, read=3)
"""For a client that is answered before and after: only an answer that is missing takes so long."""
IMPATIENT = Wiring(limits=IMPATIENT_LIMITS)
ABRUPT_LIMITS = replace(PATIENT_LIMITS, read=0.3)
"""For a client that is never answered, or of which every failure is expected."""
