"""Kafka's own command-line classes against any broker: `python -m deploy.local.kafka_tool ConsoleConsumer --help`."""

from __future__ import annotations

import subprocess
import sys

from deploy.local.kafka import java_argv
from synckit.command import run_command

CLASSES = {
    "ConfigCommand": "kafka.admin.ConfigCommand",
    "ConsoleConsumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "ConsoleProducer": "org.apache.kafka.tools.ConsoleProducer",
    "ConsumerGroupCommand": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "DumpLogSegments": "org.apache.kafka.tools.DumpLogSegments",
    "GetOffsetShell": "org.apache.kafka.tools.GetOffsetShell",
    "TopicCommand": "org.apache.kafka.tools.TopicCommand",
}
JVM = ("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def tool_argv(name: str, *arguments: str) -> list[str]:
    """Command line for one of CLASSES."""
    return java_argv(CLASSES[name], *arguments, options=JVM)


def run_tool(name: str, *arguments: str, timeout: float = 60.0) -> str:
    """Run one of CLASSES and return what it printed; raises CalledProcessError."""
    done = subprocess.run(  # noqa: S603 - our own class path
        tool_argv(name, *arguments), capture_output=True, text=True, check=True, timeout=timeout
    )
    return done.stdout


def main(arguments: list[str]) -> int:
    """Run one of CLASSES in this terminal; returns its exit code, 2 for an unknown name."""
    if not arguments or arguments[0] not in CLASSES:
        sys.stderr.write(f"usage: python -m deploy.local.kafka_tool {{{'|'.join(CLASSES)}}} arguments\n")
        return 2
    return subprocess.run(tool_argv(*arguments), check=False).returncode  # noqa: S603 - our own class path


if __name__ == "__main__":
    run_command(lambda: main(sys.argv[1:]))
