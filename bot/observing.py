"""What students said of real interviews, from the store to where turns and other services find what it comes to.

Asks the store only; what the answers come to is decided in `companies`.
"""

from collections.abc import Mapping
from datetime import date

from bot import companies
from bot.bank import Content
from bot.documents import Observed
from bot.ports import Store

KNOWLEDGE = "company_interview_knowledge"


async def observed(store: Store, today: date) -> Mapping[str, tuple[Observed, ...]]:
    """What enough students say of the companies today, by slug. Raises StoreUnavailable."""
    answers = [each async for each in store.export("company_observations")]
    return companies.aggregate(answers, today)


async def renewed(store: Store, content: Content, today: date) -> Mapping[str, tuple[Observed, ...]]:
    """The same, and the stored knowledge brought to it. Raises StoreUnavailable."""
    found = await observed(store, today)
    await store.seed(KNOWLEDGE, content.learnt(found).documents[KNOWLEDGE])
    return found
