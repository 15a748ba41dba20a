// Written by `countersign hook install --agent opencode`; `countersign hook uninstall --agent opencode` removes it.
// Before each tool it asks the approval desk. Whatever goes wrong, the tool does not run.
import { spawn } from "node:child_process";

const command = ["COMMAND"];

function ask(question) {
  return new Promise((resolve, reject) => {
    const hook = spawn(command[0], command.slice(1), { stdio: ["pipe", "pipe", "ignore"] });
    let said = "";
    hook.stdout.setEncoding("utf8");
    hook.stdout.on("data", (more) => (said += more));
    hook.on("error", (error) => reject(new Error(`Countersign: the hook can't start: ${error.message}`)));
    hook.on("close", (code) => {
      try {
        if (code === 0) return resolve(JSON.parse(said));
      } catch {}
      reject(new Error(`Countersign: the hook gave no answer (exit code ${code})`));
    });
    hook.stdin.on("error", () => {});
    hook.stdin.end(JSON.stringify(question));
  });
}

export const Countersign = async ({ directory }) => ({
  "tool.execute.before": async (input, output) => {
    const { tool, sessionID, callID } = input;
    const question = { event: "tool.execute.before", tool, sessionID, callID, directory, args: output.args ?? {} };
    const answer = await ask(question);
    if (answer.decision === "none") return;
    if (answer.decision !== "allow") throw new Error(answer.reason || "Countersign: denied");
    for (const name of Object.keys(output.args)) delete output.args[name];
    Object.assign(output.args, answer.args);
  },
});
