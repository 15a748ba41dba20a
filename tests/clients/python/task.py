"""What every client here is asked to do, and how: see task.mjs, whose twin this is."""

import json
import os
import re
import sys

ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

URL, VERB, *REST = sys.argv[1:]
HEADERS = {"Authorization": f"Bearer {os.environ['COUNTERSIGN_KEY']}"}


def plain(model):
    """As it is on the wire."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def said(result):
    print(json.dumps(plain(result)), flush=True)
    return result


def pending(result):
    """The id that a result says to wait for with `await_approval`, if it says so."""
    text = "\n".join(getattr(block, "text", "") for block in result.content)
    found = ID.search(text) if "await_approval" in text else None
    return found and found[0]


async def listed(client, name):
    return plain(await getattr(client, f"list_{name}")())[name]


async def follow(client, tool, arguments):
    """Does as a model would: calls, and as long as the answer is to wait, waits, as the tool for that wants it asked."""
    result = said(await client.call_tool(tool, arguments))
    while request := pending(result):
        tools = await listed(client, "tools")
        schema = next(tool["inputSchema"] for tool in tools if tool["name"] == "await_approval")
        result = said(await client.call_tool("await_approval", {schema["required"][0]: request}))


async def run(client):
    """Does what the command line says."""
    if VERB == "list":
        for name in REST:
            print(json.dumps(await listed(client, name)))
    else:
        for tool, arguments in zip(REST[::2], REST[1::2]):
            await follow(client, tool, json.loads(arguments))
