"""One call in, one answer out; speaks ports only."""
