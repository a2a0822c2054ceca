"""One role of four permissions for a paper, the same for a folder of papers; and one for everything, declared late."""

from apps.rbac.roles import Role

FOUR = frozenset(f"rbac_benchmark.{action}_paper" for action in ("add", "change", "delete", "view"))


class PaperOwner(Role):
    slug = "rbac_benchmark.owner"
    label = "Owner of a paper"
    scope = "rbac_benchmark.Paper"
    permissions = FOUR


class FolderOwner(Role):
    slug = "rbac_benchmark.folder_owner"
    label = "Owner of a folder"
    scope = "rbac_benchmark.Folder"
    permissions = FOUR


def declare_reader() -> type[Role]:
    """A role for everything, leaves too: guardian's lists ask the user's `has_perm`, which our backend answers."""

    class Reader(Role):
        slug = "rbac_benchmark.reader"
        label = "Reads everything"
        permissions = frozenset({"rbac_benchmark.view_paper", "rbac_benchmark.view_leaf"})

    return Reader
