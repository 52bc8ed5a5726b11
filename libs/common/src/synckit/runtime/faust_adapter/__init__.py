"""Faust under the keyed executor: a safe app, transport and consumer, and the agent that feeds."""

from __future__ import annotations

from synckit.runtime.faust_adapter.agent import keyed_agent
from synckit.runtime.faust_adapter.app import KafkaWorkerSettings, SafeApp, build_app

__all__ = ["KafkaWorkerSettings", "SafeApp", "build_app", "keyed_agent"]
