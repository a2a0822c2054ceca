"""Each line that guards something is needed: without it a test that is named here fails.

In a copy of the project, one line after the other. A guard that nothing would miss is a guard that can go unnoticed.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.project.tree import NOT_OURS, ROOT, run


class Mutation(NamedTuple):
    file: str  # of apps/rbac
    guard: str
    instead: str
    test: str


MUTATIONS = [
    Mutation(
        "decisions.py",
        "return bool(user.is_authenticated and user.is_active)",
        "return bool(user.is_authenticated)",
        "rbac/test_guardian_traps.py::test_3_an_inactive_superuser_is_shown_nothing_either",
    ),
    Mutation(
        "decisions.py",
        "    if permission in protection.known_permissions():\n",
        "    if permission:\n",
        "rbac/test_guardian_traps.py::test_9_a_misspelled_permission_is_an_error_for_superusers_too",
    ),
    Mutation(
        "decisions.py",
        "settings.RBAC_SUPERUSER and getattr",
        "getattr",
        "rbac/test_decisions.py::test_a_superuser_is_nobody_special_when_the_setting_says_so",
    ),
    Mutation(
        "decisions.py",
        "    return user.pk, permission, protection.places(obj)",
        "    return permission, protection.places(obj)",
        "rbac/test_query_counts.py::test_a_check_repeated_in_a_request_asks_nothing",
    ),
    Mutation(
        "memo.py",
        "        answers.changed = True",
        "        answers.changed = False",
        "rbac/test_query_counts.py::test_what_is_granted_in_a_request_holds_in_it_and_what_is_rolled_back_does_not",
    ),
    Mutation(
        "sql.py",
        "AND (a.expires_at IS NULL OR a.expires_at > {now})",
        "",
        "rbac/test_decisions.py::test_an_assignment_holds_from_its_start_until_it_expires",
    ),
    Mutation(
        "sql.py",
        "a.revoked_at IS NULL AND ",
        "",
        "rbac/test_decisions.py::test_a_revoked_role_ends_at_once",
    ),
    Mutation(
        "queries.py",
        'return ([], [Sql("SELECT 1")]) if known else (found, [])',
        'return [], [Sql("SELECT 1")]',
        "rbac/test_query_counts.py::test_a_list_does_not_ask_again_for_each_row_what_the_request_has_asked",
    ),
    Mutation(
        "gates.py",
        "    require(request.user, permission, obj)\n",
        "",
        "rbac/test_gates.py::test_a_stranger_gets_the_same_404_for_what_is_there_and_what_is_not",
    ),
    Mutation(
        "policies.py",
        "            raise told_missing(request)\n",
        "            pass\n",
        "rbac/test_policies.py::test_a_view_that_forgets_its_check_is_an_error_and_its_writes_are_taken_back",
    ),
    Mutation(
        "policies.py",
        "            transaction.set_rollback(True)\n",
        "            pass\n",
        "attacks/test_rbac_bypass.py::test_what_a_view_wrote_before_it_failed_without_its_check_is_rolled_back",
    ),
    Mutation(
        "policies.py",
        "return (self.permission, str(arguments.get(self.on))) in passed if self.on else self.admits(user)",
        "return bool(passed) if self.on else self.admits(user)",
        "rbac/test_policies.py::test_a_view_that_checks_another_object_is_an_error",
    ),
    Mutation(
        "policies.py",
        "return EXPECTED in request.__dict__ and",
        "return False and",
        "attacks/test_rbac_bypass.py::test_what_a_decorator_kept_of_somebody_elses_answer_is_not_told",
    ),
    Mutation(
        "policies.py",
        "return self.http_method_not_allowed(request, *args, **kwargs)",
        "return super().options(request, *args, **kwargs)",
        "rbac/test_policies.py::test_a_class_based_view_answers_no_method_that_it_does_not_have",
    ),
    Mutation(
        "middleware.py",
        '            raise PermissionDenied("You may not open this page.")',
        "            return None",
        "attacks/test_rbac_pages.py::test_a_page_that_nobody_has_declared_is_refused_to_everybody_superusers_included",
    ),
    Mutation(
        "middleware.py",
        "policy.admits(request.user)",
        "request.user.is_authenticated",
        "rbac/test_policies.py::test_a_page_by_permission_admits_who_holds_it_and_tells_of_the_others",
    ),
    Mutation(
        "policies.py",
        "rule.by_method(request.method).settled",
        'rule.by_method("GET").settled',
        "rbac/test_generic.py::test_a_view_is_held_to_the_policy_of_the_method",
    ),
    Mutation(
        "permitted_forms.py",
        "            elif not self.holds(policy.change):",
        "            elif False:",
        "rbac/test_permitted_forms.py::test_a_forged_post_of_a_field_changes_nothing_and_is_told",
    ),
    Mutation(
        "admin_site.py",
        "func=held_to_each(action.func)",
        "func=action.func",
        "rbac/test_admin.py::test_an_action_on_many_is_refused_if_one_of_them_may_not",
    ),
    Mutation(
        "admin_site.py",
        'lookup.partition("__")[0] not in hidden and super()',
        "super()",
        "attacks/test_rbac_admin.py::test_what_a_list_does_not_show_is_not_guessed_by_filtering_it",
    ),
    Mutation(
        "admin_site.py",
        "if forged := fields &",
        "if forged := set() &",
        "rbac/test_admin_of_people.py::test_who_may_change_people_can_neither_promote_nor_lock_them",
    ),
    Mutation(
        "admin_site.py",
        "(telling(super().admin_view(view, cacheable)))",
        "(super().admin_view(view, cacheable))",
        "rbac/test_admin.py::test_what_one_may_only_view_is_shown_without_a_form",
    ),
    Mutation(
        "admin.py",
        "manages and obj.pk != request.user.pk",
        "manages",
        "rbac/test_admin_of_people.py::test_not_even_who_manages_roles_changes_his_own",
    ),
    Mutation(
        "checks.py",
        "    if policy is None:\n",
        "    if False:\n",
        "rbac/test_checks.py::test_every_page_without_a_sound_policy_is_found_at_any_depth",
    ),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    where = tmp_path_factory.mktemp("mutated") / "project"
    left_out = shutil.ignore_patterns(*NOT_OURS, "*_cache")
    shutil.copytree(ROOT, where, ignore=left_out)
    yield where
    shutil.rmtree(where)


@pytest.mark.slow
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.test.rpartition("::")[2])
def test_without_its_guard_the_test_fails(mutation: Mutation, copy: Path) -> None:
    file = copy / "apps" / "rbac" / mutation.file
    whole = file.read_text()
    assert whole.count(mutation.guard) == 1, f"{mutation.file} has no such line: {mutation.guard}"
    file.write_text(whole.replace(mutation.guard, mutation.instead))
    try:
        done = run("python", "-m", "pytest", "-q", "-x", "-p", "no:randomly", f"tests/{mutation.test}", cwd=copy)
    finally:
        file.write_text(whole)
    assert done.returncode == 1, done.stdout[-3000:]  # 1: tests have failed; an error in starting them is another
    assert f"FAILED tests/{mutation.test}" in done.stdout
