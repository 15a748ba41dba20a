// An MCP server over stdio whose tools are whatever the file named first lists, as the value of `tools`. It appends
// every call that reaches it to the file named second. `announce` tells of a change, and after `quit` it ends.
import { appendFileSync, readFileSync } from "node:fs";

const [shelf, record] = process.argv.slice(2);
const reply = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, result }) + "\n");

const take = ({ id, method, params }) => {
  if (method === "initialize") {
    const { protocolVersion } = params;
    return reply(id, { protocolVersion, capabilities: { tools: { listChanged: true } }, serverInfo: { name: "shelf", version: "1" } });
  }
  if (method === "tools/list") return reply(id, { tools: JSON.parse(readFileSync(shelf, "utf8")) });
  if (method === "tools/call") {
    appendFileSync(record, JSON.stringify(params) + "\n");
    if (params.name === "announce") {
      process.stdout.write(JSON.stringify({ jsonrpc: "2.0", method: "notifications/tools/list_changed" }) + "\n");
    }
    const result = { content: [{ type: "text", text: "done" }] };
    if (params.name !== "quit") return reply(id, result);
    return process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, result }) + "\n", () => process.exit(0));
  }
  if (id !== undefined) {
    process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32601, message: "Method not found" } }) + "\n");
  }
};

let rest = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text) => {
  const lines = (rest + text).split("\n");
  rest = lines.pop();
  lines.forEach((line) => take(JSON.parse(line)));
});
process.stdin.on("end", () => process.exit(0));
