"""The form widget of encrypted files."""

from typing import Any

from django import forms


class SealedFileInput(forms.ClearableFileInput):
    """Says that there is a file, without a link or its random name, and can take it away."""

    template_name = "encryption/sealed_file_input.html"

    def is_initial(self, value: Any) -> bool:
        return bool(value)
