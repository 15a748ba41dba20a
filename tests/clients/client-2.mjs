// The TypeScript client 2.x. COUNTERSIGN_ERA says how it settles the revision: `legacy`, its default, or `auto`.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { headers, run, url } from "./task.mjs";

const client = new Client({ name: "client-2", version: "2" }, { versionNegotiation: { mode: process.env.COUNTERSIGN_ERA } });
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
await run({
  tools: async () => (await client.listTools()).tools,
  prompts: async () => (await client.listPrompts()).prompts,
  resources: async () => (await client.listResources()).resources,
  call: (name, args) => client.callTool({ name, arguments: args }),
});
await client.close();
