"""One role of each scope: everything, a container, an object."""

from apps.rbac.roles import Role, extend


class Librarian(Role):
    slug = "testapp.librarian"
    label = "Librarian"
    permissions = frozenset({"testapp.view_document", "testapp.view_folder"})


class FolderReader(Role):
    slug = "testapp.folder_reader"
    label = "Reads a folder"
    scope = "testapp.Folder"
    permissions = frozenset({"testapp.view_document", "testapp.view_folder"})


class FolderEditor(Role):
    slug = "testapp.folder_editor"
    label = "Edits a folder"
    scope = "testapp.Folder"
    inherits = (FolderReader,)
    permissions = frozenset({"testapp.add_document", "testapp.change_document"})


class DocumentOwner(Role):
    slug = "testapp.document_owner"
    label = "Owner of a document"
    scope = "testapp.Document"
    permissions = frozenset(
        {
            "testapp.change_document",
            "testapp.delete_document",
            "testapp.share_document",
            "testapp.view_document",
        }
    )


class ReaderOfTheLog(Role):
    slug = "testapp.reader_of_the_log"
    label = "Reads the audit log"
    permissions = frozenset({"audit.view_event"})


class Clerk(Role):
    slug = "testapp.clerk"
    label = "Works in the administration pages"
    permissions = frozenset(
        {
            "auth.change_group",
            "auth.view_group",
            "accounts.add_user",
            "accounts.change_user",
            "accounts.view_user",
            "rbac.use_admin",
            "rbac.view_roleassignment",
            "testapp.add_patient",
            "testapp.change_patient",
            "testapp.view_patient",
        }
    )


extend("user", {"testapp.add_document"})
