"""Faust under the keyed executor: a safe app, transport and consumer, and the agent that feeds."""

from __future__ import annotations

from synckit.faust.agent import keyed_agent
from synckit.faust.app import KafkaWorkerSettings, SafeApp, build_app

__all__ = ["KafkaWorkerSettings", "SafeApp", "build_app", "keyed_agent"]
