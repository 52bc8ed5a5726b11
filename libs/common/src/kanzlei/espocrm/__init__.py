"""The office's EspoCRM: what it must have (`target`), what is different (`differences`), how it gets there (`plan`).

Pure: `schema`, `target`, `target_parts`, `observed`, `differences` and what they compare with, `plan`, `by_hand`,
`webhooks`, `webhook_secrets`. At the edge: `api` and `webhook_client` (HTTP), `look` (reads), `install`, `register`,
`watch`, `env_file`, `secrets_file`, the commands.
"""
