"""What an expected no of the services is over HTTP: one table."""

from typing import TypeVar

from common.api.problems import ProblemError
from execution.engine.vocabulary import Code, Refusal

_T = TypeVar("_T")

UNPROCESSABLE = 422

# A code that is not here says that the content is understood and refused: 422.
STATUSES: dict[Code, int] = {
    Code.BAD_ID: 400,
    Code.BAD_AMOUNT: 400,
    Code.BAD_PRICE: 400,
    Code.BAD_TARGET: 400,
    Code.BAD_OPTION: 400,
    Code.BAD_RESOLUTION: 400,
    Code.REASON_MISSING: 400,
    Code.UNKNOWN_PROVIDER: 400,
    Code.UNKNOWN_STRATEGY: 404,
    Code.REQUEST_NOT_FOUND: 404,
    Code.ARTIFACT_NOT_FOUND: 404,
    Code.TASK_NOT_FOUND: 404,
    Code.RUN_NOT_FOUND: 404,
    Code.LINE_NOT_FOUND: 404,
    Code.SYMBOL_NOT_FOUND: 404,
    Code.PRICE_NOT_FOUND: 404,
    Code.NO_RESEARCH: 404,
    Code.ARTIFACT_CHANGED: 409,
    Code.PLAN_CHANGED: 409,
    Code.TASK_AMBIGUOUS: 409,
    Code.STRATEGY_NOT_ACTIVE: 409,
    Code.STRATEGY_NAME_TAKEN: 409,
    Code.MARKET_CLOSED: 409,
    Code.TRADING_HALTED: 409,
    Code.NO_PRICE_SOURCE: 503,
    Code.RUN_NOT_REVERSED: 409,
    Code.RUN_NOT_FINISHED: 409,
    Code.RUN_NOT_FAILED: 409,
    Code.RUN_HAS_SUCCESSORS: 409,
    Code.RUN_WITHOUT_ORDERS: 409,
    Code.REQUEST_NOT_READY: 409,
    Code.LINE_NOT_WAITING: 409,
    Code.PRICE_NOT_WAITING: 409,
}


def granted(answer: _T | Refusal) -> _T:
    """Return what a service answered. Raises ProblemError for its refusal."""
    if not isinstance(answer, Refusal):
        return answer
    raise ProblemError(
        status=STATUSES.get(answer.code, UNPROCESSABLE),
        code=str(answer.code),
        detail=answer.message,
        details=answer.details,
    )
