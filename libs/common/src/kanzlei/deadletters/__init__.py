"""Dead letters: seen, sent again or settled, by a person."""
