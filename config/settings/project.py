"""Yours: the only settings file that an adopter edits. All other settings are the kit's, and merge from upstream.

It is read last: a name of the kit's that you set here, such as ACCOUNT_SIGNUP, has your value.
"""

SITE_NAME = "Rampart"

# Your apps. Their navigation, roles, audit actions and demo data are found by themselves.
PROJECT_APPS: list[str] = [
    "apps.records",  # the sample
]
