"""Looks at documents and records: observe, decide, act."""

from document_sync.handlers.document_look import DocumentLooks, Looked
from document_sync.handlers.parts import Cause, Parts
from document_sync.handlers.record_look import RecordLooks

__all__ = ["Cause", "DocumentLooks", "Looked", "Parts", "RecordLooks"]
