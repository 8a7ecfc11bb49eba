import { mailServer } from "./agents";
import { expect, expectAccessible, goOnInJapanese, json, runNow, signIn, test } from "./workplace";

test("a distribution appears by itself", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/distributions");
  await expect(page.getByText("Nothing has been distributed yet")).toBeVisible();
  await expectAccessible(page);
  await runNow(workplace);
  await expect(page.getByRole("heading", { name: "Version 1" })).toBeVisible();
  await expect(page.getByText("+3 Added")).toBeVisible();
});

test("a new mail server shows its token once and its first contact by itself", async ({ page, workplace }) => {
  // As over plain HTTP: the page may not copy.
  await page.addInitScript(() => Object.defineProperty(Navigator.prototype, "clipboard", { value: undefined }));
  await signIn(page, workplace, "/blocked/mail-servers");
  await page.getByRole("main").getByRole("button", { name: "Add mail server" }).click();
  const adding = page.getByRole("dialog", { name: "Add mail server" });
  await adding.getByLabel("Name").fill("mx1");
  await expectAccessible(page);
  await adding.getByRole("button", { name: "Add mail server" }).click();
  const dialog = page.getByRole("dialog", { name: "Connect the agent" });
  const token = await dialog.getByRole("group", { name: "Token", exact: true }).innerText();
  await expect(dialog.getByRole("group", { name: /agent\.toml/ })).toContainText(`token = "${token}"`);
  await expect(dialog.getByRole("group", { name: "Then start the agent" })).toHaveText("stoplist-agent --config agent.toml run");
  await expect(dialog.getByText("Waiting for first contact")).toBeVisible();
  await dialog.getByRole("button", { name: "Copy: Token" }).click();
  await expect(dialog.getByText(/The text is selected: copy it by hand/)).toBeVisible();
  expect(await page.evaluate(() => getSelection()!.toString())).toBe(token);
  await expectAccessible(page);
  const headers = { Authorization: `Bearer ${token}` };
  expect((await fetch(`${workplace.service.url}/api/v1/agent`, { headers })).status).toBe(200);
  await expect(dialog.getByText("The agent has called.")).toBeVisible();
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(page.getByRole("row", { name: /mx1/ })).not.toContainText("Waiting");
});

test("a distribution does not wait for a mail server that was deactivated", async ({ page, workplace }) => {
  await json(workplace.call("POST", "/mail-servers", { name: "mx1" }));
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/distributions");
  await expect(page.getByText("Waiting for its acknowledgement")).toBeVisible();
  await page.getByRole("link", { name: "Mail servers" }).click();
  const row = page.getByRole("row", { name: /mx1/ });
  await row.getByRole("button", { name: "Deactivate: mx1" }).click();
  const dialog = page.getByRole("dialog", { name: "Deactivate mail server" });
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Deactivate" }).click();
  await expect(row.getByText("Inactive")).toBeVisible();
  await page.getByRole("link", { name: "Distributions" }).click();
  await expect(page.getByText("Complete", { exact: true })).toBeVisible();
  await goOnInJapanese(page);
  await page.getByRole("link", { name: "メールサーバー" }).click();
  await row.getByRole("button", { name: "有効にする: mx1" }).click();
  await expect(row.getByText("最初の接続待ち")).toBeVisible();
  await row.getByRole("button", { name: "無効にする: mx1" }).click();
  await page.getByRole("dialog", { name: "メールサーバーの無効化" }).getByRole("button", { name: "無効にする" }).click();
  await expect(row.getByText("無効", { exact: true })).toBeVisible();
});

test("what each mail server holds: the list, an older one, another one, and nothing for a while", async ({
  page, workplace,
}) => {
  await runNow(workplace);
  const [inSync, late, repairing] = [
    await mailServer(workplace, "mx1"), await mailServer(workplace, "mx2"), await mailServer(workplace, "mx3"),
  ];
  await mailServer(workplace, "mx4");
  await late();
  await json(workplace.call("POST", "/releases", { addresses: ["jiro@example.org"] }));
  await inSync();
  await repairing({ checksum: "0".repeat(32) });
  // Nobody waits here for the two minutes until a mail server is silent: what is said of mx4 is changed on its way.
  const silent = (server: { name: string }) => (server.name === "mx4" ? { ...server, state: "silent" } : server);
  await page.route("**/api/v1/**/mail-servers?*", async (route) => {
    const response = await route.fetch();
    const { items } = await response.json();
    await route.fulfill({ response, json: { items: items.map(silent) } });
  });
  await signIn(page, workplace, "/blocked/mail-servers");
  const row = (name: string) => page.getByRole("row", { name: new RegExp(name) });
  await expect(row("mx1")).toContainText("In sync");
  await expect(row("mx1")).toContainText("Version 2 with 2 addresses");
  await expect(row("mx2")).toContainText("Late");
  await expect(row("mx2")).toContainText("It has not acknowledged the published version yet.");
  await expect(row("mx2")).toContainText("Version 1 with 3 addresses");
  await expect(row("mx3")).toContainText("Repairing");
  await expect(row("mx3")).toContainText("it is being repaired by a snapshot.");
  await expect(row("mx4")).toContainText("Silent");
  await expect(row("mx4")).toContainText("It goes on enforcing what it holds.");
  await expectAccessible(page);
  await late();
  await page.reload();
  await expect(row("mx2")).toContainText("In sync");
});

test("a token is replaced after a question, and the old one ends", async ({ page, workplace }) => {
  const { token } = await json(workplace.call("POST", "/mail-servers", { name: "mx1" }));
  await signIn(page, workplace, "/blocked/mail-servers");
  await page.getByRole("button", { name: "New token: mx1" }).click();
  await expectAccessible(page);
  await page.getByRole("dialog", { name: "Replace the token" }).getByRole("button", { name: "New token" }).click();
  const dialog = page.getByRole("dialog", { name: "Connect the agent" });
  const renewed = await dialog.getByRole("group", { name: "Token", exact: true }).innerText();
  await dialog.getByRole("button", { name: "Done" }).click();
  await goOnInJapanese(page);
  await page.getByRole("button", { name: "トークンを再発行: mx1" }).click();
  await page.getByRole("dialog", { name: "トークンの再発行" }).getByRole("button", { name: "トークンを再発行" }).click();
  const connecting = page.getByRole("dialog", { name: "エージェントの接続" });
  const last = await connecting.getByRole("group", { name: "トークン", exact: true }).innerText();
  const status = async (bearer: string) =>
    (await fetch(`${workplace.service.url}/api/v1/agent`, { headers: { Authorization: `Bearer ${bearer}` } })).status;
  expect([await status(token), await status(renewed), await status(last)]).toEqual([401, 401, 200]);
});

test("what somebody else changed meanwhile is told, and shown", async ({ page, workplace }) => {
  const { mail_server } = await json(workplace.call("POST", "/mail-servers", { name: "mx1" }));
  await signIn(page, workplace, "/blocked/mail-servers");
  await page.getByRole("button", { name: "Deactivate: mx1" }).click();
  const read = { "If-Match": `"${mail_server.revision}"` };
  await json(workplace.call("PATCH", `/mail-servers/${mail_server.id}`, { name: "mx-tokyo" }, read));
  const dialog = page.getByRole("dialog", { name: "Deactivate mail server" });
  await dialog.getByRole("button", { name: "Deactivate" }).click();
  await expect(dialog.getByRole("alert")).toHaveText(
    "Somebody else changed this meanwhile. Nothing of yours has been saved: look at their change, then make yours again.",
  );
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Deactivate: mx-tokyo" }).click();
  await dialog.getByRole("button", { name: "Deactivate" }).click();
  await expect(page.getByRole("row", { name: /mx-tokyo/ }).getByText("Inactive")).toBeVisible();
});
