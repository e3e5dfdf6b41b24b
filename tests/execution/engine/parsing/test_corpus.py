import pytest

from execution.engine.parsing.artifact import parse_artifact
from tests.execution.engine.parsing.corpus import CORPUS, Case, outcome


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_research_becomes_what_the_corpus_says(case: Case):
    assert outcome(parse_artifact(case.content)) == case.expected


def test_the_corpus_has_more_than_120_cases_with_names_of_their_own():
    assert len(CORPUS) >= 120
    assert len({case.name for case in CORPUS}) == len(CORPUS)
