"""The subcommands of `manage.py audit`, each a module: its docstring, `add_arguments(parser)` and `run(command)`.

A new module of this package is a new subcommand; nothing else has to name it.
"""
