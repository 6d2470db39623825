"""What loads the dictionary, and what does without."""

import subprocess
import sys

import pytest

LOADED = "import sys; assert 'pymorphy3' not in sys.modules"


@pytest.mark.parametrize(
    "done",
    [
        "import otklik_feedback.api.readings, otklik_feedback.workers",
        "from otklik_feedback.domain.text.lexicon import version; version()",
        "from otklik_feedback.domain.text.topics import default_tree, tree;"
        "tree(default_tree().topics)",
    ],
)
def test_nobody_loads_the_dictionary_who_reads_no_words(done: str) -> None:
    subprocess.run([sys.executable, "-c", f"{done}; {LOADED}"], check=True)


def test_the_first_reading_loads_it() -> None:
    done = (
        "from otklik_feedback.domain.text.reading import read;"
        "from otklik_feedback.domain.text.topics import default_tree;"
        "read('плохо', default_tree()); import sys; assert 'pymorphy3' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", done], check=True)
