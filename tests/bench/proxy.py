"""A peer to measure beside the desk: FastMCP's proxy in front of an MCP server. Its arguments are the server's address
and the port to listen on."""

import sys

from fastmcp.server import create_proxy

create_proxy(sys.argv[1]).run(transport="http", host="127.0.0.1", port=int(sys.argv[2]), show_banner=False)
