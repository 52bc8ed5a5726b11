"""The local stack: a real Kafka, PostgreSQL and Redis out of wheels, without root, Docker or an installed Java.

`deploy.local.backends.Backends` starts them; tests take the fixture `backends` of `deploy.local.pytest_plugin`.
"""
