"""The house in figures: what one tree of ours is made of, beside what it was made of before."""
