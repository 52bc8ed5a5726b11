"""The office's EspoCRM: what it must have (`target`), what is different (`differences`), how it gets there (`plan`).

Pure: `schema`, `target`, `target_parts`, `observed`, `differences` and what they compare with, `plan`, `by_hand`,
`webhooks`. At the edge: `api` (HTTP), `look` (reads), `install`, `check`, `watch`, `env_file`.
"""
