/** An assistant for tests: it holds the app in a sandboxed frame and talks with it through the protocol's own AppBridge. */

import { AppBridge, PostMessageTransport, buildAllowAttribute } from "@modelcontextprotocol/ext-apps/app-bridge";

const seen = { sizes: [], contexts: [], messages: [], calls: [], reads: [], modes: [] };
let bridge = null;
let frame = null;

/** Hold the app; resolves once it has said hello. */
async function open({ html, sandbox, permissions, capabilities, context, refuse }) {
  frame = document.createElement("iframe");
  frame.title = "app";
  frame.setAttribute("sandbox", sandbox);
  frame.allow = buildAllowAttribute(permissions).replace("camera", "camera *");
  bridge = new AppBridge(null, { name: "test-host", version: "1" }, capabilities, { hostContext: context });
  const greeted = new Promise((resolve) => bridge.addEventListener("initialized", resolve));
  bridge.addEventListener("sizechange", (size) => {
    seen.sizes.push(size);
    if (size.height) frame.style.height = `${size.height}px`;
  });
  bridge.oncalltool = (params) => asked("calls", params, refuse, window.callServer);
  bridge.onreadresource = (params) => asked("reads", params, refuse, window.readServer);
  bridge.onupdatemodelcontext = (params) => asked("contexts", params, refuse, async () => ({}));
  bridge.onmessage = (params) => asked("messages", params, refuse, async () => ({}));
  bridge.onrequestdisplaymode = async ({ mode }) => {
    seen.modes.push(mode);
    await bridge.sendHostContextChange({ displayMode: mode });
    return { mode };
  };
  document.body.append(frame);
  await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
  frame.srcdoc = html;
  await greeted;
}

async function asked(kind, params, refuse, ask) {
  seen[kind].push(params);
  if ((refuse ?? []).includes(kind)) throw new Error(`This host refuses ${kind}.`);
  const answer = await ask(params);
  if (answer.error) throw new Error(answer.error);
  return answer;
}

window.host = { open, seen, bridge: () => bridge, frame: () => frame };
