// An MCP server over stdio for the tests: it does as it is told by its arguments and by the tool that is called,
// and appends the name of every message that reaches it to the file named first.
import { appendFileSync } from "node:fs";

const [record, ...flags] = process.argv.slice(2);
const does = (flag) => flags.includes(flag);
const write = (text) => process.stdout.write(text + "\n");
const reply = (id, result) => write(JSON.stringify({ jsonrpc: "2.0", id, result }));
const refuse = (id, code, message, data) => write(JSON.stringify({ jsonrpc: "2.0", id, error: { code, message, data } }));
const tell = (method, params) => write(JSON.stringify({ jsonrpc: "2.0", method, params }));
const say = (text) => ({ content: [{ type: "text", text }] });
const modern = does("modern");
const schema = { type: "object" };

if (does("die")) {
  console.error("no key", process.env.TOKEN);
  process.exit(3);
}
const tools = {
  echo: (id, { line }) => reply(id, say(line)),
  env: (id) => reply(id, say(JSON.stringify(process.env))),
  fail: (id) => reply(id, { ...say("it broke"), isError: true }),
  refuse: (id) => refuse(id, -32602, "unknown tool: \u202etxt"),
  odd_error: (id) => write(JSON.stringify({ jsonrpc: "2.0", id, error: { code: "bad", data: [] } })),
  crash: () => process.exit(7),
  answer_and_crash: (id) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, result: say("last words") }) + "\n", () => process.exit(7)),
  hang: () => {},
  deaf: (id) => {
    process.stdin.pause();
    reply(id, say("deaf now"));
  },
  big: (id) => reply(id, say("é".repeat(5 << 20))),
  too_big: (id) => reply(id, say("x".repeat(20 << 20))),
  noise: (id) => {
    write("Hello, I am a server!");
    write("");
    write("{broken");
    write("[]");
    write('{"jsonrpc":"2.0","id":99999,"result":{}}');
    write('{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"s3cr3t"}}');
    process.stdout.write("\xff\xfe\n", "latin1");
    reply(id, say("after the noise"));
  },
  odd_result: (id) => reply(id, { content: [{ type: "hologram", beam: 7 }], structuredContent: { a: [1.5] }, extra: true }),
  no_content: (id) => reply(id, {}),
  null_result: (id) => reply(id, null),
  text_result: (id) => reply(id, "done"),
  string_id: (id) => reply(String(id), say("as text")),
  twice: (id) => {
    reply(id, say("first"));
    reply(id, say("second"));
  },
  task: (id) => reply(id, { resultType: "task", taskId: "1" }),
  ask: (id) => {
    asking = id;
    write(JSON.stringify({ jsonrpc: "2.0", id: "q", method: "sampling/createMessage", params: { messages: [], maxTokens: 1 } }));
  },
  change: (id) => {
    const params = modern ? { _meta: { "io.modelcontextprotocol/subscriptionId": listening } } : undefined;
    for (let n = 0; n < 50; n++) tell("notifications/tools/list_changed", params);
    if (does("reads")) ["prompts", "resources"].forEach((list) => tell(`notifications/${list}/list_changed`, params));
    reply(id, say("changed"));
  },
};

let asking, listening;
const capabilities = { tools: { listChanged: true } };
if (does("reads")) Object.assign(capabilities, { prompts: { listChanged: true }, resources: { listChanged: true }, completions: {} });

const reads = {
  "prompts/list": (id, { cursor }) => reply(id, { prompts: [{ name: cursor ?? "first", title: process.env.TOKEN }], nextCursor: "more", odd: 1 }),
  "prompts/get": (id, { name, arguments: given }) =>
    name === "greet" ? reply(id, { messages: [{ role: "user", content: { type: "text", text: given.who } }] }) : refuse(id, -32602, "no such prompt, " + process.env.TOKEN, { name, token: process.env.TOKEN }),
  "resources/list": (id) => reply(id, { resources: [{ uri: "a:b", name: "b" }] }),
  "resources/read": (id, { uri }) => (uri === "a:big" ? reply(id, { contents: [{ uri, text: "x".repeat(2 << 20) }] }) : refuse(id, -32002, "no such resource", { uri })),
  "completion/complete": (id, { argument }) => reply(id, { completion: { values: [argument.value + "!"] } }),
};

const list = (id, cursor) => {
  if (does("no-tools")) return refuse(id, -32601, "Method not found");
  if (does("endless")) return reply(id, { tools: [], nextCursor: "again" });
  if (does("thousand")) {
    const page = Number(cursor ?? 0);
    const tools = Array.from({ length: 100 }, (_, n) => ({ name: `tool_${page * 100 + n}`, inputSchema: schema }));
    return reply(id, { tools, nextCursor: page < 9 ? String(page + 1) : undefined });
  }
  const named = Object.keys(tools).map((name) => ({ name, inputSchema: schema, annotations: { readOnlyHint: name === "echo" } }));
  const odd = does("odd-tools") ? [{ name: "bad name", inputSchema: schema }, { name: 7 }, null] : [];
  reply(id, { tools: [...odd, ...named], ttlMs: 3_600_000, cacheScope: "public" });
};

const take = (line) => {
  const message = JSON.parse(line);
  const { id, method, params } = message;
  appendFileSync(record, (method ?? "reply") + (method === "tools/call" ? " " + params.name : "") + "\n");
  if (does("silent")) return;
  if (does("old") && method === "server/discover") process.exit(1);
  if (!method) return asking !== undefined && reply(asking, say(JSON.stringify(message)));
  if (method === "server/discover" && modern) {
    return reply(id, { resultType: "complete", supportedVersions: ["2026-07-28"], capabilities, ttlMs: 0, cacheScope: "private" });
  }
  if (method === "initialize" && does("refuse-all")) return refuse(id, -32000, "bad token " + process.env.TOKEN);
  if (method === "initialize" && !modern) {
    return reply(id, { protocolVersion: params.protocolVersion, capabilities, serverInfo: { name: "test", version: "1" } });
  }
  if (method === "subscriptions/listen") {
    listening = id;
    return tell("notifications/subscriptions/acknowledged", { _meta: { "io.modelcontextprotocol/subscriptionId": id }, notifications: params.notifications });
  }
  if (does("reads") && reads[method]) return reads[method](id, params ?? {});
  if (method === "tools/list") return list(id, params?.cursor);
  if (method === "tools/call") {
    if (modern && params._meta?.["io.modelcontextprotocol/protocolVersion"] !== "2026-07-28") return refuse(id, -32020, "no version");
    return (tools[params.name] ?? tools.refuse)(id, { ...params, line });
  }
  if (id !== undefined) refuse(id, -32601, "Method not found");
};

let rest = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text) => {
  const lines = (rest + text).split("\n");
  rest = lines.pop();
  lines.forEach(take);
});
process.stdin.on("end", () => {
  appendFileSync(record, "end\n");
  if (!does("stubborn")) process.exit(0);
});
if (does("stubborn")) {
  process.on("SIGTERM", () => {});
  setInterval(() => {}, 1000);
}
