"""One run for one employee: resolve, read both sides whole, plan, carry out, save."""

from __future__ import annotations

from calendar_sync.handlers.employee_run import EmployeeRun

__all__ = ["EmployeeRun"]
