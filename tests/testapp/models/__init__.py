from tests.testapp.models.audit import *  # noqa: F403 - one file for each app under test
from tests.testapp.models.encryption import *  # noqa: F403
from tests.testapp.models.files import *  # noqa: F403
from tests.testapp.models.moving import *  # noqa: F403
from tests.testapp.models.rbac import *  # noqa: F403
from tests.testapp.models.tracked import *  # noqa: F403
