// What the address says, and what the browser's Back and Forward do.
import { expect, json, runNow, signIn, signInAsProvider, test } from "./workplace";

test("Back undoes a filter, Forward does it again, and what is typed is one step", async ({ page, workplace }) => {
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/list");
  await expect(page.getByRole("row")).toHaveCount(4);
  const reason = page.getByLabel("Error reason");
  await reason.selectOption("Unknown user");
  await expect(page.getByRole("row")).toHaveCount(3);
  await page.getByLabel("Sort").selectOption("Address A–Z");
  await expect(page).toHaveURL(/sort=address/);
  await page.getByRole("searchbox").pressSequentially("ta", { delay: 400 });
  await expect(page).toHaveURL(/q=ta/);
  await expect(page.getByRole("row")).toHaveCount(2);
  // The search is in the place of the address before it.
  await page.goBack();
  await expect(page).toHaveURL(workplace.at("/blocked/list?reason=unknown_user"));
  await expect(page.getByLabel("Sort")).toHaveValue("");
  await expect(page.getByRole("searchbox")).toHaveValue("");
  await page.goBack();
  await expect(page).toHaveURL(workplace.at("/blocked/list"));
  await expect(reason).toHaveValue("");
  await expect(page.getByRole("row")).toHaveCount(4);
  await page.goForward();
  await expect(reason).toHaveValue("unknown_user");
  await expect(page.getByRole("row")).toHaveCount(3);

  await page.getByRole("link", { name: "Delivery report" }).click();
  await page.getByRole("button", { name: "7 days" }).click();
  await expect(page).toHaveURL(/days=7/);
  await page.goBack();
  await expect(page).toHaveURL(workplace.at("/delivery-report/overview"));
  await expect(page.getByRole("button", { name: "30 days" })).toHaveAttribute("aria-pressed", "true");
});

test("run settings have an address: a link opens them, Back closes them", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/stop-cancellation?dialog=run-settings");
  const dialog = page.getByRole("dialog", { name: "Run settings" });
  await expect(dialog.getByLabel("Execute timing")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  await expect(page).toHaveURL(workplace.at("/blocked/stop-cancellation"));
  await page.getByRole("link", { name: "Blocked list" }).click();
  await page.getByRole("button", { name: "Run settings" }).click();
  await expect(page).toHaveURL(workplace.at("/blocked/list?dialog=run-settings"));
  await expect(dialog).toBeVisible();
  await page.goBack();
  await expect(dialog).toHaveCount(0);
  await expect(page).toHaveURL(workplace.at("/blocked/list"));
  await page.goForward();
  await expect(dialog.getByLabel("Execute timing")).toBeVisible();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(page).toHaveURL(workplace.at("/blocked/list"));
  await page.goBack();
  await expect(page).toHaveURL(workplace.at("/blocked/stop-cancellation"));
});

test("every dialog that its name is enough for has an address", async ({ page, workplace }) => {
  const { items: [account] } = await json(workplace.provider("GET", "/accounts"));
  expect(account.name).toBe("Example Mail");
  const inside = `/configurations/${workplace.configuration}`;
  const through = async (path: string, opener: string, name: string, title: string, field: string) => {
    await page.goto(workplace.service.url + path);
    const dialog = page.getByRole("dialog", { name: title, exact: true });
    await page.getByRole("button", { name: opener, exact: true }).first().click();
    await expect(dialog.getByLabel(field).or(dialog.getByText(field)).first()).toBeVisible();
    await expect(page).toHaveURL(`${workplace.service.url}${path}?dialog=${name}`);
    await page.goBack();
    await expect(dialog).toHaveCount(0);
    await expect(page).toHaveURL(workplace.service.url + path);
    await page.goForward();
    await expect(dialog).toBeVisible();
    await page.reload();
    await expect(dialog.getByLabel(field).or(dialog.getByText(field)).first()).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(page).toHaveURL(workplace.service.url + path);
  };
  await signIn(page, workplace, "/blocked/list");
  await through(`${inside}/blocked/list`, "New server configuration", "new-configuration", "New server configuration", "Name");
  await through(`${inside}/blocked/list`, "Change server configuration", "change-configuration", "Change server configuration", "Name");
  await through(`${inside}/blocked/list`, "Download", "download", "Download as CSV", "Downloads are not enabled for this account");
  await through(`${inside}/blocked/list`, "Release all found…", "bulk-release", "Release all found", "Search or filter the list first");
  await through(`${inside}/blocked/mail-servers`, "Add mail server", "add-mail-server", "Add mail server", "Name");
  await through("/settings/users", "Invite", "invite", "Invite somebody", "E-mail");
  await through("/settings/tokens", "New token", "new-token", "New token", "Name");
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByLabel("Password")).toBeVisible();
  await signInAsProvider(page, workplace, "/provider");
  await through("/provider", "New account", "new-account", "New account", "Name");
});

test("a new server configuration takes the place of its dialog, and a secret stays when its dialog's address goes", async ({
  page, workplace,
}) => {
  await signIn(page, workplace, "/blocked/stop-cancellation");
  await page.getByRole("button", { name: "New server configuration" }).click();
  const creating = page.getByRole("dialog", { name: "New server configuration" });
  await creating.getByLabel("Name").fill("Receipts");
  await creating.getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Receipts" })).toBeVisible();
  await expect(page).toHaveURL(/\/blocked\/list$/);
  await expect(creating).toHaveCount(0);
  await page.goBack();
  await expect(page).toHaveURL(workplace.at("/blocked/stop-cancellation"));
  await page.goto(`${workplace.service.url}/settings/tokens`);
  await page.getByRole("button", { name: "New token" }).click();
  await page.getByLabel("Name").fill("CRM");
  await page.getByRole("button", { name: "Create" }).click();
  await expect(page).toHaveURL(`${workplace.service.url}/settings/tokens`);
  await expect(page.getByRole("dialog", { name: "Token" }).getByText(/^eyJ/)).toBeVisible();
});

test("Back leaves no dialog behind", async ({ page, workplace }) => {
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/stop-cancellation");
  await page.getByRole("link", { name: "Blocked list" }).click();
  await page.getByRole("button", { name: "Run now" }).click();
  const dialog = page.getByRole("dialog", { name: "Run now" });
  await expect(dialog).toBeVisible();
  await page.goBack();
  await expect(page).toHaveURL(workplace.at("/blocked/stop-cancellation"));
  await expect(dialog).toHaveCount(0);
  expect((await json(workplace.call("GET", "/runs"))).items).toHaveLength(1);
});
