"""The Python SDK 2.x, which asks the server for its revision."""

import asyncio

from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from task import HEADERS, URL, run


async def main():
    async with create_mcp_http_client(headers=HEADERS) as http:
        async with Client(streamable_http_client(URL, http_client=http)) as client:
            await run(client)


asyncio.run(main())
