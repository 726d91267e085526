"""Who may see the pages: the ASGI middleware before everything, signing in, and the pages' own question."""
