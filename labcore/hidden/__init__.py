"""Hidden classes: how well sounds of a class that a network never heard are told from those that it knows (leave one class out)."""
