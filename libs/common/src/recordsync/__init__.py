"""One record and its counterpart elsewhere: observe, decide, act. Safe to repeat, and to be killed at any step."""

from recordsync.act.children import Family
from recordsync.act.imports import Children
from recordsync.companion import Companion
from recordsync.engine import Engine
from recordsync.memory.look import Cause, Outcome
from recordsync.ports import Remotes
from recordsync.rules import EngineSettings

__all__ = ["Cause", "Children", "Companion", "Engine", "EngineSettings", "Family", "Outcome", "Remotes"]
