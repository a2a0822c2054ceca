"""Every form of the kit is rendered by templates/django/forms: what they promise holds for all pages."""

import re

from django import forms
from django.utils.safestring import SafeString


class Example(forms.Form):
    name = forms.CharField(max_length=5, help_text="As in the passport.")
    note = forms.CharField(required=False, widget=forms.Textarea)
    agreed = forms.BooleanField(label="I agree")
    color = forms.ChoiceField(choices=[("r", "Red"), ("b", "Blue")], widget=forms.RadioSelect)
    secret = forms.CharField(widget=forms.HiddenInput, required=False)

    def clean(self) -> None:
        if self.cleaned_data.get("name") == "nobod":
            raise forms.ValidationError("Nobody may not.")


GOOD = {"name": "Ana", "agreed": "on", "color": "r"}


def tag(html: SafeString, element: str, marker: str) -> str:
    """The opening tag of the element that contains the marker."""
    (found,) = [each for each in re.findall(rf"<{element}\b[^>]*>", html) if marker in each]
    return found


def test_each_field_has_a_label_bound_to_it() -> None:
    html = Example().render()

    assert tag(html, "label", 'for="id_name"')
    assert tag(html, "label", 'for="id_agreed"')
    assert "<legend>Color</legend>" in html


def test_a_help_text_is_tied_to_its_field() -> None:
    html = Example().render()

    assert 'aria-describedby="id_name_helptext"' in tag(html, "input", 'id="id_name"')
    assert tag(html, "div", 'id="id_name_helptext"')


def test_an_error_is_tied_to_its_field_and_the_field_is_marked_invalid() -> None:
    html = Example(GOOD | {"name": "Anastasia"}).render()

    field = tag(html, "input", 'id="id_name"')
    assert 'aria-invalid="true"' in field
    assert 'aria-describedby="id_name_helptext id_name_error"' in field
    assert tag(html, "ul", 'id="id_name_error"')
    assert 'aria-invalid="true"' not in tag(html, "textarea", 'id="id_note"')


def test_what_was_typed_stays_beside_its_error() -> None:
    assert 'value="Anastasia"' in Example(GOOD | {"name": "Anastasia"}).render()


def test_the_summary_is_announced_and_leads_to_each_wrong_field() -> None:
    html = Example({}).render()

    assert tag(html, "div", 'role="alert"')
    assert '<a href="#id_name">Name</a>: This field is required.' in html
    assert '<a href="#id_agreed">I agree</a>: This field is required.' in html
    assert '<a href="#id_color">Color</a>' in html
    assert tag(html, "div", 'id="id_color"')


def test_an_error_of_the_whole_form_stands_in_the_summary_alone() -> None:
    html = Example(GOOD | {"name": "nobod"}).render()

    assert html.count("Nobody may not.") == 1
    assert html.index('role="alert"') < html.index("Nobody may not.") < html.index("<label")


def test_a_form_without_errors_announces_nothing() -> None:
    assert "role=" not in Example().render()
    assert "role=" not in Example(GOOD).render()


def test_optional_fields_say_so() -> None:
    html = Example().render()

    assert html.count("(optional)") == 1
    assert html.index("(optional)") > html.index("Note")


def test_hidden_fields_are_rendered_once_and_without_a_label() -> None:
    html = Example().render()

    assert html.count('name="secret"') == 1
    assert "Secret" not in html


def test_what_users_typed_is_escaped() -> None:
    html = Example(GOOD | {"name": "<b>x", "color": "<i>"}).render()

    assert "<b>" not in html
    assert "<i>" not in html
