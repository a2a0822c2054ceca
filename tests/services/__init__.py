"""Throw-away servers which the tests bring themselves: no apt, no Docker, nothing left behind."""
