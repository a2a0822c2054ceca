"""The project: settings, URLs, and the wiring between apps that do not know each other."""

KIT_VERSION = "0.1.0"
