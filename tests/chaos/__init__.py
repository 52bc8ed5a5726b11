"""Kill anything while both sides are edited, then ask an oracle whether the rules were kept."""
