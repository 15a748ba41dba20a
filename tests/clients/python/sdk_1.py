"""The Python SDK 1.x: sessions."""

import asyncio

from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from task import HEADERS, URL, run


async def main():
    async with streamablehttp_client(URL, headers=HEADERS) as (read, write, _):
        async with ClientSession(read, write) as session:
            await session.initialize()
            await run(session)


asyncio.run(main())
