"""Carries a Plan out through the ports: one look at one record, safe to repeat and to be killed at any step."""

from synckit.engine.family import Family, Kin
from synckit.engine.look import Cause, EngineSettings, Outcome, Remotes
from synckit.engine.sync import Engine

__all__ = ["Cause", "Engine", "EngineSettings", "Family", "Kin", "Outcome", "Remotes"]
