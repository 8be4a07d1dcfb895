"""What students said of real interviews, from the store to where turns and other services find what it comes to.

Asks the store only; what the answers come to is decided in `companies`.
"""

from datetime import date

from bot import companies
from bot.bank import Content
from bot.ports import Store

KNOWLEDGE = "company_interview_knowledge"


async def learnt(store: Store, content: Content, today: date) -> Content:
    """The content with what students say of the companies today. Raises StoreUnavailable."""
    answers = [each async for each in store.export("company_observations")]
    return content.learnt(companies.aggregate(answers, today))


async def observed(store: Store, content: Content, today: date) -> Content:
    """The same, and the stored knowledge brought to it. Raises StoreUnavailable."""
    now = await learnt(store, content, today)
    await store.seed(KNOWLEDGE, now.documents[KNOWLEDGE])
    return now
