"""What was computed is kept while somebody is there, and let go of afterwards."""

from __future__ import annotations

import asyncio

from ellimaps.ui.serving.idle import LeftAlone
from ellimaps.ui.shared.cache import BoundedCache

AFTER_S = 0.05


async def page(middleware, until):
    """One open page."""
    await middleware({"type": "websocket"}, None, until)


async def stay(_scope, _receive, until):
    await until


def kept_when(story):
    """Whether a result is kept when a story of pages is over."""
    cache: BoundedCache[str] = BoundedCache(8)

    async def tell():
        cache.get("maps", lambda: "computed")
        await story(LeftAlone(stay, AFTER_S))
        return cache.kept("maps") is not None

    return asyncio.run(tell())


def test_it_is_kept_while_one_page_is_open():
    async def story(middleware):
        first, second = (asyncio.sleep(AFTER_S * factor) for factor in (1, 4))
        asked = asyncio.gather(page(middleware, first), page(middleware, second))
        await asyncio.sleep(AFTER_S * 3)
        asked.cancel()

    assert kept_when(story)


def test_it_is_let_go_of_when_all_have_left():
    async def story(middleware):
        await asyncio.gather(*(page(middleware, asyncio.sleep(0)) for _ in range(3)))
        await asyncio.sleep(AFTER_S * 3)

    assert not kept_when(story)


def test_it_is_kept_for_who_comes_back_soon():
    async def story(middleware):
        await page(middleware, asyncio.sleep(0))
        await asyncio.sleep(AFTER_S / 2)
        back = asyncio.ensure_future(page(middleware, asyncio.sleep(AFTER_S * 3)))
        await asyncio.sleep(AFTER_S * 2)
        back.cancel()

    assert kept_when(story)


def test_other_requests_are_no_visits():
    async def story(middleware):
        await middleware({"type": "http"}, None, asyncio.sleep(0))
        await asyncio.sleep(AFTER_S * 2)

    assert kept_when(story)
