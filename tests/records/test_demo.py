from apps.accounts.models import User
from apps.audit.models import Event
from apps.records import demo
from apps.records.models import Record


def test_demo_records_are_made_once(owner: User, colleague: User) -> None:
    users = {"ana": owner, "ben": colleague}
    demo.load(users)
    made = Record.objects.count()
    demo.load(users)

    assert made == len(demo.PEOPLE)
    assert Record.objects.count() == made


def test_one_demo_record_is_shared(owner: User, colleague: User) -> None:
    demo.load({"ana": owner, "ben": colleague})

    assert [record.title for record in Record.objects.for_user(colleague, "change")] == [demo.PEOPLE[0][0]]
    assert Event.objects.get(action="rbac.share.granted").actor_label == owner.email
