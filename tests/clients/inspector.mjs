// The Inspector's command line: a process, and so a connection, for each step. COUNTERSIGN_ERA is `legacy`, its
// default, or `modern`, in which it takes tasks. The key reaches it by a file that goes with the home it is in.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { headers, run, url } from "./task.mjs";

const inspector = fileURLToPath(new URL("build/index.js", import.meta.resolve("@modelcontextprotocol/inspector/clients/launcher/")));
const home = mkdtempSync(join(tmpdir(), "inspector-"));
const config = join(home, "servers.json");
const desk = { type: "streamable-http", url, headers };
writeFileSync(config, JSON.stringify({ mcpServers: { desk } }), { mode: 0o600 });

const inspect = async (method, ...rest) => {
  const fixed = [inspector, "--cli", "--config", config, "--server", "desk", "--protocol-era", process.env.COUNTERSIGN_ERA];
  const args = [...fixed, "--format", "json", "--method", method, ...rest];
  const env = { PATH: process.env.PATH, HOME: home };
  // A tool's own error is a result like any other, and an exit code of the Inspector's.
  const { stdout } = await promisify(execFile)(process.execPath, args, { env }).catch((error) => {
    if (!error.stdout) throw error;
    return error;
  });
  return JSON.parse(stdout).result;
};

try {
  await run({
    tools: async () => (await inspect("tools/list")).tools,
    prompts: async () => (await inspect("prompts/list")).prompts,
    resources: async () => (await inspect("resources/list")).resources,
    call: (name, args) => inspect("tools/call", "--tool-name", name, "--tool-args-json", JSON.stringify(args)),
  });
} finally {
  rmSync(home, { recursive: true });
}
