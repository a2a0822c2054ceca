"""What `manage.py rbac` can do: one module each, found by its name.

Its docstring is the help; `add_arguments(parser)` declares its arguments, which `run(command, **options)` gets. All
have `--json`.
"""
