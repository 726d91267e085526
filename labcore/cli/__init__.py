"""The command line ``labcore``, one file a subcommand. Nothing here imports torch before a subcommand needs it."""
