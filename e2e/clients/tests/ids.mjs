// Something of everything that a path of the API can name.

import assert from "node:assert/strict";
import { PASSWORD } from "./service.mjs";

const LIST = "mail\nmai@example.com\nren@example.com\nnot an address\n";

/** Fills the account of a service, and answers ids by the names that the document gives them. */
export async function makeOneOfEach(service) {
  const { configuration, tokens } = service;
  const inside = `/server-configurations/${configuration}`;
  const as = (token) => ({
    post: (path, body, expect = 201) => service.api(path, { method: "POST", body, token, expect }),
    get: (path) => service.api(path, { token }),
  });
  const [administrator, provider, nobody] = [as(tokens.administrator), as(tokens.provider), as(null)];
  const finished = async (path) => {
    const { state } = await service.until(path, ({ state }) => state === "done" || state === "failed");
    assert.equal(state, "done", path);
  };

  await administrator.post(`${inside}/blocked-addresses`, { addresses: ["aoi@example.com", "sora@example.com"] }, 200);
  const { id: run_id } = await administrator.post(`${inside}/runs`, undefined, 202);
  await finished(`${inside}/runs/${run_id}`);
  const { items: [{ id: distribution_id }] } = await administrator.get(`${inside}/distributions`);
  await administrator.post(`${inside}/releases`, { addresses: ["aoi@example.com"] }, 200);
  const { items: [{ id: exemption_id }] } = await administrator.get(`${inside}/exemptions`);
  const { mail_server: { id: mail_server_id } } =
    await administrator.post(`${inside}/mail-servers`, { name: "mx2" });
  const { id: operation_id } =
    await administrator.post(`${inside}/bulk-releases`, { filter: { domain: "example.com" } }, 202);
  await finished(`${inside}/list-operations/${operation_id}`);

  const { inquiry: { id: inquiry_id } } =
    await administrator.post("/inquiries", { category: "other", subject: "Hello", text: "How are you?" });
  const { token: { id: token_id } } = await administrator.post("/tokens", { name: "a script", scopes: ["read"] });
  const { invitation: { id: invitation_id } } =
    await administrator.post("/invitations", { email: "ren@example.com", role: "viewer" });
  const invited = await administrator.post("/invitations", { email: "mai@example.com", role: "operator" });
  const secret = invited.link.split("#")[1];
  await nobody.post("/invitations/accept", { secret, password: PASSWORD });
  const { items: users } = await administrator.get("/users");
  const { id: user_id } = users.find(({ email }) => email === "mai@example.com");
  const { email } = await administrator.get("/me");
  await nobody.post("/sessions", { email, password: PASSWORD });
  const { items: sessions } = await administrator.get("/me/sessions");
  const { id: session_id } = sessions.find((session) => !session.this);
  const other = { name: "Another", plan: "standard", administrator_email: "a@another.example" };
  const { id: account_id } = await provider.post("/provider/accounts", { ...other, administrator_password: PASSWORD });

  return {
    id: configuration, run_id, distribution_id, exemption_id, mail_server_id, operation_id, inquiry_id, token_id,
    invitation_id, user_id, session_id, account_id, upload_id: await upload(service),
  };
}

/** An upload that is read. */
async function upload(service) {
  const headers = {
    Authorization: `Bearer ${service.tokens.administrator}`,
    "Tus-Resumable": "1.0.0",
    "Upload-Length": String(LIST.length),
    "Upload-Metadata": `filename ${btoa("list.csv")}`,
    "Content-Type": "application/offset+octet-stream",
  };
  const made = await fetch(service.endpoint, { method: "POST", headers, body: LIST });
  assert.equal(made.status, 201);
  const { id } = await made.json();
  await service.analysed(`${service.endpoint}/${id}`);
  return id;
}
