"""What a document needs, decided: frozen values and pure functions."""
