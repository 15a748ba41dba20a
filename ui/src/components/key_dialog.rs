//! An agent's new key: shown this once, with a call to try it.

use crate::components::button::Button;
use crate::components::copy_button::CopyButton;
use crate::components::dialog::Dialog;
use crate::components::secret::secret;
use countersign_wire::agents::AgentCreated;
use yew::prelude::*;

/// What an agent was just given: a key, a callback's secret, or both.
pub(crate) fn given_dialog(given: &AgentCreated, onclose: &Callback<()>) -> Html {
    match &given.key {
        Some(key) => key_dialog(&given.agent.name, key, given.callback_secret.as_deref(), onclose),
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

fn key_dialog(agent: &str, key: &str, callback: Option<&str>, onclose: &Callback<()>) -> Html {
    let origin = web_sys::window().and_then(|window| window.location().origin().ok()).unwrap_or_default();
    let (curl, mcp) = (example(&origin, key), mcp_example(&origin, key));
    html! {
        <Dialog title={format!("Key for {agent}")} onclose={onclose.clone()} must_answer=true
            testid="key-dialog">
            <div class="inside">
                <p>{ "Copy it now: it is shown this once, and only its hash is kept." }</p>
                { secret(key, "agent-api-key") }
                { callback_secret(callback) }
                <p class="label">{ "What this agent may use:" }</p>
                <pre class="snippet" data-testid="curl">{ curl.clone() }</pre>
                <p class="label">{ "As an MCP server, here for Claude Code; any MCP client takes the address and the header:" }</p>
                <pre class="snippet" data-testid="mcp">{ mcp.clone() }</pre>
                <p class="hint">
                    { "How to ask, and how to wait for the answer, is at " }
                    <a href="/docs" target="_blank" rel="noopener">{ "/docs" }</a>{ "." }
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

fn mcp_example(origin: &str, key: &str) -> String {
    format!("claude mcp add --transport http countersign {origin}/mcp \\\n  --header \"Authorization: Bearer {key}\"")
}

fn example(origin: &str, key: &str) -> String {
    format!("curl {origin}/v1/agent/permissions \\\n  -H \"Authorization: Bearer {key}\"")
}
