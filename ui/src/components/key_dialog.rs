//! An agent's new key: shown this once, with a call to try it.

use crate::components::button::Button;
use crate::components::copy_button::CopyButton;
use crate::components::dialog::Dialog;
use crate::components::docs_link::DocsLink;
use crate::components::secret::secret;
use countersign_wire::agents::AgentCreated;
use yew::prelude::*;

/// What an agent was just given: a key, a callback's secret, or both. `desk`: the address where it reaches the desk.
pub(crate) fn given_dialog(given: &AgentCreated, desk: &str, onclose: &Callback<()>) -> Html {
    match &given.key {
        Some(key) => key_dialog(given, key, desk, onclose),
        None => secret_dialog(&given.agent.name, given.callback_secret.as_deref(), onclose),
    }
}

fn secret_dialog(agent: &str, secret: Option<&str>, onclose: &Callback<()>) -> Html {
    html! {
        <Dialog title={format!("Callback secret for {agent}")} onclose={onclose.clone()} must_answer=true
            testid="key-dialog">
            <div class="inside">
                { callback_secret(secret) }
                <div class="form-acts">
                    <Button tone="main" onclick={onclose.clone()} testid="key-noted">{ "I have copied it" }</Button>
                </div>
            </div>
        </Dialog>
    }
}

fn callback_secret(text: Option<&str>) -> Html {
    let Some(text) = text else { return Html::default() };
    html! {
        <>
            <p>{ "Calls to the callback are signed with this secret (Standard Webhooks). It is shown this once." }</p>
            { secret(text, "callback-secret") }
        </>
    }
}

fn key_dialog(given: &AgentCreated, key: &str, desk: &str, onclose: &Callback<()>) -> Html {
    let (curl, mcp) = (example(desk, key), mcp_example(desk, key));
    html! {
        <Dialog title={format!("Key for {}", given.agent.name)} onclose={onclose.clone()} must_answer=true
            testid="key-dialog">
            <div class="inside">
                <p>{ "Copy it now: it is shown this once, and only its hash is kept." }</p>
                { secret(key, "agent-api-key") }
                { callback_secret(given.callback_secret.as_deref()) }
                <p class="label">{ "What this agent may use:" }</p>
                <pre class="snippet" data-testid="curl">{ curl.clone() }</pre>
                <p class="label">{ "As an MCP server, here for Claude Code; any MCP client takes the address and the header:" }</p>
                <pre class="snippet" data-testid="mcp">{ mcp.clone() }</pre>
                <p class="hint">
                    { "How to ask, and how to wait for the answer, is at " }
                    <DocsLink />{ "." }
                </p>
                <div class="form-acts">
                    <CopyButton text={mcp} label="Copy for MCP" />
                    <CopyButton text={curl} label="Copy the call" />
                    <Button tone="main" onclick={onclose.clone()} testid="key-noted">{ "I have copied it" }</Button>
                </div>
            </div>
        </Dialog>
    }
}

fn mcp_example(desk: &str, key: &str) -> String {
    format!("claude mcp add --transport http countersign {desk}/mcp \\\n  --header \"Authorization: Bearer {key}\"")
}

fn example(desk: &str, key: &str) -> String {
    format!("curl {desk}/v1/agent/permissions \\\n  -H \"Authorization: Bearer {key}\"")
}
