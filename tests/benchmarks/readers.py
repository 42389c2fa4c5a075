"""Many readers of a service at once, in a process of their own: latencies of each kind of question.

``python readers.py URL SCAN READERS SECONDS PAUSE`` prints JSON: kind -> [seconds, ...], and the
answers that were no success.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter

import aiohttp

SHARES = {"point": 0.8, "contour": 0.15, "figure": 0.05}
LEVELS = ("0.6827", "0.9", "0.9545", "0.9973")


def question(kind: str, scan: str, chance: random.Random) -> str:
    """Address of a question; hardly two points are the same."""
    if kind == "point":
        mass, coupling = 10 ** chance.uniform(-1, 4), 10 ** chance.uniform(-6, -2)
        return f"scans/{scan}/query?at=mass={mass}&at=coupling={coupling}"
    if kind == "contour":
        return f"scans/{scan}/contour?cl={chance.choice(LEVELS)}"
    return f"scans/{scan}/thumbnail.png"


async def read(
    session: aiohttp.ClientSession,
    scan: str,
    number: int,
    until: float,
    pause: float,
    seen: dict[str, list[float]],
    others: Counter[int],
) -> None:
    """One reader: asks, looks at the answer for a while, asks again."""
    chance = random.Random(number)
    await asyncio.sleep(chance.uniform(0.0, pause))
    while time.monotonic() < until:
        kind = chance.choices(list(SHARES), list(SHARES.values()))[0]
        start = time.monotonic()
        asked = question(kind, scan, chance)
        status, later = await answered(session, asked)
        while status == 202:  # still at work: the same address has the answer later
            await asyncio.sleep(later)
            status, later = await answered(session, asked)
        if status == 200:
            seen[kind].append(time.monotonic() - start)
        else:
            others[status] += 1
        await asyncio.sleep(chance.uniform(0.5, 1.5) * pause)


async def answered(session: aiohttp.ClientSession, asked: str) -> tuple[int, float]:
    """Status of an answer that was read, and in how many seconds to ask again."""
    async with session.get(asked) as answer:
        await answer.read()
        return answer.status, float(answer.headers.get("Retry-After", 0.0))


async def main(url: str, scan: str, readers: int, seconds: float, pause: float) -> None:
    """All readers, until the time is over."""
    seen: dict[str, list[float]] = {kind: [] for kind in SHARES}
    others: Counter[int] = Counter()
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(f"{url}/api/v1/", connector=connector, timeout=timeout) as one:
        until = time.monotonic() + seconds
        async with asyncio.TaskGroup() as group:
            for number in range(readers):
                group.create_task(read(one, scan, number, until, pause, seen, others))
    print(json.dumps({"seen": seen, "others": others}))


if __name__ == "__main__":
    url_, scan_, readers_, seconds_, pause_ = sys.argv[1:]
    asyncio.run(main(url_, scan_, int(readers_), float(seconds_), float(pause_)))
