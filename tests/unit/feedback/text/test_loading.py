"""What loads the dictionary, and what does without."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from otklik_feedback.domain.text.lemmas import keys_of

STEMS = ("promis", "delay", "relat", "nation", "polit", "rud", "hop", "обеща", "груб", "сдел")
ENDS = ("ed", "ing", "ation", "ational", "iveness", "eness", "ость", "ли", "ка")
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


def test_threads_may_read_at_once() -> None:
    words = [f"{stem}{end}" for stem in STEMS for end in ENDS]
    alone = {word: keys_of(word) for word in words}
    with ThreadPoolExecutor(8) as threads:
        for found in threads.map(lambda _: {word: keys_of(word) for word in words}, range(16)):
            assert found == alone


def test_the_first_reading_loads_it() -> None:
    done = (
        "from otklik_feedback.domain.text.reading import read;"
        "from otklik_feedback.domain.text.topics import default_tree;"
        "read('плохо', default_tree()); import sys; assert 'pymorphy3' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", done], check=True)
