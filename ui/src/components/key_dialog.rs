//! An agent's new key: shown this once, with a call to try it.

use crate::components::button::Button;
use crate::components::copy_button::CopyButton;
use crate::components::dialog::Dialog;
use crate::components::secret::secret;
use yew::prelude::*;

pub(crate) fn key_dialog(agent: &str, key: &str, onclose: &Callback<()>) -> Html {
    let origin = web_sys::window().and_then(|window| window.location().origin().ok()).unwrap_or_default();
    let (curl, mcp) = (example(&origin, key), mcp_example(&origin, key));
    html! {
        <Dialog title={format!("Key for {agent}")} onclose={onclose.clone()} must_answer=true
            testid="key-dialog">
            <div class="inside">
                <p>{ "Copy it now: it is shown this once, and only its hash is kept." }</p>
                { secret(key, "agent-api-key") }
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
