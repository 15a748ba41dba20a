// The TypeScript SDK 1.x, as its README connects it: sessions, and 60 seconds for a request.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { headers, run, url } from "./task.mjs";

const client = new Client({ name: "sdk-1", version: "1" });
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
await run({
  tools: async () => (await client.listTools()).tools,
  prompts: async () => (await client.listPrompts()).prompts,
  resources: async () => (await client.listResources()).resources,
  call: (name, args) => client.callTool({ name, arguments: args }),
});
await client.close();
