// What every client here is asked to do, and how: `<client> URL list [tools|prompts|resources]...` or
// `<client> URL call [TOOL ARGUMENTS]...`, the agent's key in COUNTERSIGN_KEY. Each list and each result is printed as
// one line of JSON, those that say to wait too.
const ID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

const [url, verb, ...rest] = process.argv.slice(2);
export { url };
export const headers = { Authorization: `Bearer ${process.env.COUNTERSIGN_KEY}` };

const print = (value) => console.log(JSON.stringify(value));

/** The id that a result says to wait for with `await_approval`, if it says so. */
const pending = ({ content }) => {
  const text = content.map((block) => block.text ?? "").join("\n");
  return text.includes("await_approval") ? text.match(ID)?.[0] : undefined;
};

/** Does as a model would: calls, and as long as the answer is to wait, waits, as the tool for that wants it asked. */
const follow = async (client, tool, args) => {
  let result = await client.call(tool, args);
  print(result);
  for (let id = pending(result); id; id = pending(result)) {
    const { inputSchema } = (await client.tools()).find(({ name }) => name === "await_approval");
    result = await client.call("await_approval", { [inputSchema.required[0]]: id });
    print(result);
  }
};

/** Does what the command line says with a client that can `tools`, `prompts`, `resources` and `call`. */
export const run = async (client) => {
  if (verb === "list") {
    for (const list of rest) print(await client[list]());
  } else {
    for (let at = 0; at < rest.length; at += 2) await follow(client, rest[at], JSON.parse(rest[at + 1]));
  }
};
