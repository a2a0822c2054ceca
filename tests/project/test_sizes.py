"""Every line is one that an adopter owns, and has to understand."""

from tests.project.tree import lines, python_files

MOST_LINES = 12_000  # apps and config, without tests, migrations and blank lines
MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_THE_SAMPLE = 400
LONGER: dict[str, int] = {}  # file: its lines, with the reason why it is one subject


def size(*folders: str) -> int:
    return sum(1 for path in python_files(*folders) for line in lines(path) if line.strip())


def test_the_kit_stays_small_enough_to_be_read() -> None:
    assert size("apps", "config") <= MOST_LINES


def test_a_file_has_one_subject() -> None:
    long = {str(path): len(lines(path)) for path in python_files("apps", "config", "tests", "deploy")}
    assert {path: count for path, count in long.items() if count > LONGER.get(path, MOST_LINES_OF_A_FILE)} == {}


def test_the_list_of_longer_files_is_up_to_date() -> None:
    assert [path for path in LONGER if path not in map(str, python_files())] == []


def test_the_sample_shows_everything_in_few_lines() -> None:
    assert size("apps/records") <= MOST_LINES_OF_THE_SAMPLE
