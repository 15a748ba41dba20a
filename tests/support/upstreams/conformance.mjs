// What the conformance suite's scenarios ask a server for, as an MCP server over stdio. Behind the desk every name gets
// the connector's slug in front, so this one offers what begins with the slug named first, and without it.
import { createHmac, randomBytes } from "node:crypto";
import { CLIENT_CAPABILITIES_META_KEY, MissingRequiredClientCapabilityError, ProtocolError, ResourceNotFoundError, Server } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";
const INVALID_PARAMS = -32602;

const text = (text) => ({ type: "text", text });
const image = { type: "image", data: PNG, mimeType: "image/png" };
const resource = (uri, mimeType, text) => ({ type: "resource", resource: { uri, mimeType, text } });
const said = (...content) => ({ content });
const message = (content) => ({ role: "user", content });

// A multi-round-trip tool asks until its answers are there: a form, a model's words, or the client's roots.
const form = (message, field, type) => ({
  method: "elicitation/create",
  params: { message, requestedSchema: { type: "object", properties: { [field]: { type } }, required: [field] } },
});
const words = (prompt, maxTokens) => ({ method: "sampling/createMessage", params: { messages: [message(text(prompt))], maxTokens } });
const roots = { method: "roots/list", params: {} };
const needs = { "elicitation/create": "elicitation", "sampling/createMessage": "sampling", "roots/list": "roots" };
const answered = ({ method }, answer) =>
  answer !== null && typeof answer === "object" && (method !== "elicitation/create" || answer.action === "accept");

// The state that comes back with the answers is only believed with our mark on it.
const secret = randomBytes(32);
const mark = (state) => createHmac("sha256", secret).update(state).digest("hex");
const sealed = (state) => `${state}.${mark(state)}`;
const opened = (echoed) => {
  const [state, seal] = echoed.split(".");
  if (seal !== mark(state)) throw new ProtocolError(INVALID_PARAMS, "The state is not one of ours.");
  return state;
};

const asking = (rounds, done, options = {}) => (_, { inputResponses: answers, requestState: echoed, capabilities }) => {
  const round = echoed === undefined ? 0 : Number(opened(echoed));
  const possible = (request) => !options.able || capabilities[needs[request.method]];
  const asked = Object.fromEntries(Object.entries(rounds[round]).filter(([, request]) => possible(request)));
  const complete = Object.entries(asked).every(([key, request]) => answered(request, answers?.[key]));
  const next = complete ? round + 1 : round;
  if (next === rounds.length) return done(answers);
  const requestState = options.state ? { requestState: sealed(String(next)) } : {};
  return { resultType: "input_required", inputRequests: complete ? rounds[next] : asked, ...requestState };
};

const name = { user_name: form("What is your name?", "name", "string") };
const capital = { capital_question: words("What is the capital of France?", 100) };
const confirm = { confirm: form("Please confirm", "ok", "boolean") };
const step1 = { step1: form("Step 1: What is your name?", "name", "string") };
const step2 = { step2: form("Step 2: What is your favorite color?", "color", "string") };
const all = { ...name, greeting: words("Generate a greeting", 50), client_roots: roots };

// A list changes by what leaves it, one at a time: what comes is not offered before somebody has nodded to it.
const left = { tools: 0, prompts: 0 };
const stays = (name, list) => Number(name.match(/_leaves_(\d)$/)?.[1] ?? Infinity) > (left[list] ?? 0);
const change = (list) => async (_, { notify }) => {
  left[list] += 1;
  await notify(`notifications/${list}/list_changed`);
  return said(text("changed"));
};

const progress = async (_, { notify, progressToken }) => {
  for (const progress of progressToken === undefined ? [] : [0, 50, 100]) {
    await notify("notifications/progress", { progressToken, progress, total: 100 });
  }
  return said(text("done"));
};

const tools = {
  test_simple_text: () => said(text("This is a simple text response for testing.")),
  test_image_content: () => said(image),
  test_audio_content: () => said({ type: "audio", data: WAV, mimeType: "audio/wav" }),
  test_embedded_resource: () => said(resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")),
  test_multiple_content_types: () =>
    said(text("Multiple content types test:"), image, resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}')),
  test_error_handling: () => ({ ...said(text("This tool intentionally returns an error for testing")), isError: true }),
  test_tool_with_progress: progress,
  test_logging_tool: () => said(text("not logged")),
  test_streaming_elicitation: () => said(text("done")),
  test_missing_capability: (_, { capabilities }) => {
    if (!capabilities.sampling) throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { sampling: {} } });
    return said(text("done"));
  },
  test_trigger_tool_change: change("tools"),
  test_trigger_prompt_change: change("prompts"),
  test_leaves_1: () => said(text("here")),
  test_leaves_2: () => said(text("here")),
  test_leaves_3: () => said(text("here")),
  test_input_required_result_elicitation: asking([name], ({ user_name }) => said(text(`Hello, ${user_name.content.name}!`))),
  test_input_required_result_sampling: asking([capital], () => said(text("The capital of France is Paris."))),
  test_input_required_result_list_roots: asking([{ client_roots: roots }], () => said(text("roots"))),
  test_input_required_result_request_state: asking([confirm], () => said(text("state-ok")), { state: true }),
  test_input_required_result_tampered_state: asking([confirm], () => said(text("done")), { state: true }),
  test_input_required_result_multiple_inputs: asking([all], () => said(text("done")), { state: true }),
  test_input_required_result_multi_round: asking([step1, step2], () => said(text("done")), { state: true }),
  test_input_required_result_capabilities: asking([{ ...name, ...capital }], () => said(text("done")), { able: true }),
  test_custom_headers: () => said(text("done")),
  json_schema_2020_12_tool: () => said(text("done")),
};

const string = { type: "string" };
const schemas = {
  test_custom_headers: { type: "object", properties: { region: { ...string, "x-mcp-header": "Region" } } },
  json_schema_2020_12_tool: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    $defs: { address: { $anchor: "addressDef", type: "object", properties: { street: string, city: string } } },
    properties: {
      name: string,
      address: { $ref: "#/$defs/address" },
      contactMethod: { ...string, enum: ["phone", "email"] },
      phone: string,
      email: string,
    },
    allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
    if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
    then: { required: ["phone"] },
    else: { required: ["email"] },
    additionalProperties: false,
  },
};

const prompts = {
  test_simple_prompt: () => [text("This is a simple prompt for testing.")],
  test_prompt_with_arguments: ({ arg1, arg2 }) => [text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)],
  test_prompt_with_embedded_resource: ({ resourceUri }) => [
    resource(resourceUri, "text/plain", "Embedded resource content for testing."),
    text("Please process the embedded resource above."),
  ],
  test_prompt_with_image: () => [image, text("Please analyze the image above.")],
  test_prompt_leaves_1: () => [text("here")],
  test_input_required_result_prompt: asking([{ user_context: form("What context should the prompt use?", "context", "string") }], () => [text("done")]),
};
const needed = { test_prompt_with_arguments: ["arg1", "arg2"], test_prompt_with_embedded_resource: ["resourceUri"] };

const resources = {
  test_static_text: { uri: "test://static-text", mimeType: "text/plain", text: "This is the content of the static text resource." },
  test_static_binary: { uri: "test://static-binary", mimeType: "image/png", blob: PNG },
};
const templates = { test_template: { uriTemplate: "test://template/{id}/data", mimeType: "application/json" } };
const templated = (uri) => {
  const [, id] = uri.match(/^test:\/\/template\/([^/]+)\/data$/) ?? [];
  return id && { uri, mimeType: "application/json", text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) };
};

const prefix = process.argv[2] ? `${process.argv[2]}_` : "";
const offered = (table, list) => {
  const here = Object.keys(table).filter((name) => name.startsWith(prefix) && stays(name, list));
  return here.map((name) => [name, name.slice(prefix.length)]);
};
const found = (table, name) => {
  const act = table[prefix + name];
  if (!act) throw new ProtocolError(INVALID_PARAMS, `There is no ${name}.`);
  return act;
};

/** What an act may want to know besides its arguments. */
const around = ({ params }, { mcpReq }, server) => ({
  inputResponses: mcpReq.inputResponses,
  requestState: mcpReq.requestState(),
  progressToken: params._meta?.progressToken,
  capabilities: mcpReq.envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? server.getClientCapabilities() ?? {},
  notify: (method, params) => mcpReq.notify({ method, params }),
});

export const serve = () => {
  const listChanged = true;
  const capabilities = { tools: { listChanged }, prompts: { listChanged }, resources: {}, completions: {} };
  const server = new Server({ name: "conformance", version: "1" }, { capabilities });
  server.setRequestHandler("tools/list", () => ({
    tools: offered(tools, "tools").map(([full, name]) => ({
      name,
      description: "Does what its scenario asks.",
      inputSchema: schemas[full] ?? { type: "object" },
      annotations: { readOnlyHint: true },
    })),
  }));
  server.setRequestHandler("tools/call", (request, context) =>
    found(tools, request.params.name)(request.params.arguments ?? {}, around(request, context, server)));
  server.setRequestHandler("prompts/list", () => ({
    prompts: offered(prompts, "prompts").map(([full, name]) => ({
      name,
      description: "Says what its scenario asks.",
      arguments: (needed[full] ?? []).map((name) => ({ name, required: true })),
    })),
  }));
  server.setRequestHandler("prompts/get", async (request, context) => {
    const given = await found(prompts, request.params.name)(request.params.arguments ?? {}, around(request, context, server));
    return Array.isArray(given) ? { messages: given.map(message) } : given;
  });
  server.setRequestHandler("resources/list", () => ({
    resources: offered(resources).map(([full, name]) => {
      const { uri, mimeType } = resources[full];
      return { uri, name, description: "For testing.", mimeType };
    }),
  }));
  server.setRequestHandler("resources/templates/list", () => ({
    resourceTemplates: offered(templates).map(([full, name]) => ({ name, description: "For testing.", ...templates[full] })),
  }));
  server.setRequestHandler("resources/read", ({ params: { uri } }) => {
    const contents = Object.values(resources).find((resource) => resource.uri === uri) ?? templated(uri);
    if (!contents) throw new ResourceNotFoundError(uri);
    return { contents: [contents] };
  });
  server.setRequestHandler("completion/complete", () => ({ completion: { values: ["paris", "park", "party"] } }));
  return server;
};

serveStdio(serve);
