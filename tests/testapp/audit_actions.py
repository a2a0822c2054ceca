"""Actions that the tests of the audit log record, one for each way to declare them."""

from apps.audit.actions import Action, Audience, Category, register

register(
    Action("testapp.picture.deleted", "{actor} tore up {target}", Category.DATA),
    Action("testapp.thing.changed", "{actor} changed {target} to {details.to}", Category.DATA),
    Action("testapp.thing.judged", "judged {target}", Category.DATA, audience=Audience.AUDITORS),
    Action("testapp.thing.refused", "{actor} was refused: {reason}", Category.AUTHORIZATION),
    Action("testapp.thing.sealed", "{actor} changed the secrets of {target}", Category.DATA, sensitive=True),
    Action("testapp.thing.signed", "{actor} signed {target}", Category.DATA, needs_actor=True),
    Action("testapp.thing.viewed", "{actor} viewed {target}", Category.DATA, deferred=True),
)
