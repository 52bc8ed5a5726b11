"""xAI's files, collections and search, as `docs/contracts/xai.md` describes them."""
