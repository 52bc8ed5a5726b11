"""Advoware appointments and each employee's Google Calendar, kept in step."""
