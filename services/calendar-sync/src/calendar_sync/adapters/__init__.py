"""Google, PostgreSQL and Redis, as calendar-sync speaks to them."""
