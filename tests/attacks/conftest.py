"""What attackers go for: the protected things that the tests of the apps use, too."""

from tests.rbac.conftest import clerk, clerks, document, folder, team, told  # noqa: F401 - fixtures
