"""The tables of the test models, made from the models as they stand: whoever changes one writes no new migration.

Without any migration PostgreSQL would be asked for these tables before those that their foreign keys point at.
"""

from django.apps import apps
from django.conf import settings
from django.db import migrations, models
from django.db.migrations.state import ModelState


def creation(model: type[models.Model]) -> migrations.CreateModel:
    state = ModelState.from_model(model)
    return migrations.CreateModel(state.name, list(state.fields.items()), state.options, state.bases, state.managers)


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [creation(model) for model in apps.get_app_config("testapp").get_models()]
