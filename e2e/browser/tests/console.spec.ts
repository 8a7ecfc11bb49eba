import { expect, test } from "@playwright/test";
import { ADMINISTRATOR, expectAccessible, openWorkplace, runNow, signIn, type Workplace } from "./workplace";

let workplace: Workplace;
// Each test has a service of its own: none depends on what another left.
test.beforeEach(async () => {
  workplace = await openWorkplace();
});
test.afterEach(() => workplace.service.stop());

test("signing in leads back to the page, and a session survives its access token", async ({ page }) => {
  await page.goto(workplace.at("/blocked/list?q=taro"));
  await expectAccessible(page);
  await page.getByLabel("E-mail").fill(ADMINISTRATOR.email);
  await page.getByLabel("Password").fill("not the right password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert").first()).not.toBeEmpty();
  await page.getByLabel("Password").fill(ADMINISTRATOR.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(workplace.at("/blocked/list?q=taro"));
  await expect(page.getByRole("searchbox")).toHaveValue("taro");

  expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain("ey");
  let refused = 0;
  await page.route("**/exemptions*", async (route) => {
    if (refused++ === 0) await route.fulfill({ status: 401, contentType: "application/problem+json", body: "{}" });
    else await route.continue();
  });
  await page.getByRole("link", { name: "Stop cancellation" }).click();
  await expect(page.getByText("The stop cancellation list is empty")).toBeVisible();
  expect(refused).toBe(2);

  await page.reload();
  await expect(page.getByText("The stop cancellation list is empty")).toBeVisible();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByLabel("Password")).toBeVisible();
  await page.goto(workplace.at("/blocked/list"));
  await expect(page.getByLabel("Password")).toBeVisible();
});

test("an address is found, released and taken off the stop cancellation list", async ({ page }) => {
  await signIn(page, workplace, "/blocked/list");
  await expect(page.getByText("No address is blocked")).toBeVisible();
  await page.getByRole("button", { name: "Run now" }).click();
  const asking = page.getByRole("dialog", { name: "Run now" });
  await expectAccessible(page);
  await asking.getByRole("button", { name: "Run now" }).click();
  // The list fills by itself.
  await expect(page.getByRole("row")).toHaveCount(4, { timeout: 20_000 });
  await expectAccessible(page);

  await page.getByRole("searchbox").fill("AR");
  await expect(page.getByRole("row")).toHaveCount(2);
  await expect(page).toHaveURL(/[?&]q=AR/);
  await page.reload();
  await expect(page.getByRole("searchbox")).toHaveValue("AR");
  await expect(page.getByRole("row")).toHaveCount(2);
  await page.getByLabel("Error reason").selectOption("Unknown host");
  await expect(page.getByText("Nothing matches")).toBeVisible();
  await page.getByRole("button", { name: "Clear filters" }).click();
  await expect(page.getByRole("row")).toHaveCount(4);

  const release = page.getByRole("button", { name: "Release: taro@example.com" });
  await release.click();
  await page.keyboard.press("Escape");
  await expect(release).toBeFocused();
  await release.click();
  const dialog = page.getByRole("dialog", { name: "Release address" });
  await dialog.getByLabel("Comment").fill("The customer called");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Release" }).click();
  await expect(page.getByText("taro@example.com is released.")).toBeVisible();
  await expect(release).toBeHidden();

  await page.getByRole("link", { name: "Stop cancellation" }).click();
  await expect(page.getByRole("cell", { name: "The customer called" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Delete: taro@example.com" }).click();
  await expectAccessible(page);
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByText("The stop cancellation list is empty")).toBeVisible();
});

test("run settings ask for the delivery timing, and a conflict loses nothing of others", async ({ page }) => {
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/list");
  await page.getByRole("button", { name: "Run settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Run settings" });
  await expect(dialog.getByLabel("Execute timing")).toHaveValue("00:00");
  for (const [reason, frequency] of [
    ["Unknown host", "1"], ["Unknown user", "1"], ["Resend timeout", "3"],
    ["Rejecting mail reception", "10"], ["Address format error", "1"],
  ] as const) {
    await expect(dialog.getByLabel(`Enable ${reason}`)).toBeChecked();
    await expect(dialog.getByLabel(`Frequency for ${reason}`)).toHaveValue(frequency);
  }
  await dialog.getByLabel("Frequency for Resend timeout").fill("0");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByLabel("Frequency for Resend timeout")).toHaveAttribute("aria-invalid", "true");
  await dialog.getByLabel("Frequency for Resend timeout").fill("4");
  await dialog.getByLabel("Execute timing").fill("03:30");
  await dialog.getByLabel("Enable Unknown user").uncheck();
  await dialog.getByLabel("Cancel blocking for Unknown user").check();
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Save" }).click();
  const timing = page.getByRole("dialog", { name: "Delivery timing" });
  await expect(timing.getByLabel(/At the next execute timing: .*\d{4}.* 03:30 \(Asia\/Tokyo\)/)).toBeChecked();
  await expectAccessible(page);
  await timing.getByLabel("Now").check();
  await timing.getByRole("button", { name: "Save settings" }).click();
  await expect(page.getByText("Run settings saved. The run has been queued.")).toBeVisible();
  // Only the unknown host is left, when the run that was asked for is done.
  await expect(page.getByRole("cell", { name: "taro@example.com", exact: true })).toBeHidden({ timeout: 20_000 });
  await expect(page.getByRole("cell", { name: "hanako@example.net", exact: true })).toBeVisible();

  await page.getByRole("button", { name: "Run settings" }).click();
  await expect(dialog.getByLabel("Execute timing")).toHaveValue("03:30");
  const read = await workplace.call("GET", "/run-settings");
  const { conditions, watch_warning, success_resets_count } = (await read.json()) as any;
  const other = await workplace.call(
    "PUT", "/run-settings",
    { execute_timing: "05:00", watch_warning, success_resets_count, conditions, delivery_timing: "next_execution" },
    { "If-Match": read.headers.get("etag")! },
  );
  expect(other.status).toBe(200);
  await dialog.getByLabel("Immediate action").check();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByText("Somebody else changed these settings meanwhile")).toBeVisible();
  await dialog.getByRole("button", { name: "Load the new settings" }).click();
  await expect(dialog.getByLabel("Execute timing")).toHaveValue("05:00");
});

test("a distribution appears by itself", async ({ page }) => {
  await signIn(page, workplace, "/blocked/distributions");
  await expect(page.getByText("Nothing has been distributed yet")).toBeVisible();
  await expectAccessible(page);
  await runNow(workplace);
  await expect(page.getByRole("heading", { name: "Version 1" })).toBeVisible();
  await expect(page.getByText("+3 Added")).toBeVisible();
  await expectAccessible(page);
});

test("a new mail server shows its token once and its first contact by itself", async ({ page }) => {
  await signIn(page, workplace, "/blocked/mail-servers");
  await page.getByRole("main").getByRole("button", { name: "Add mail server" }).click();
  const adding = page.getByRole("dialog", { name: "Add mail server" });
  await adding.getByLabel("Name").fill("mx1");
  await expectAccessible(page);
  await adding.getByRole("button", { name: "Add mail server" }).click();
  const dialog = page.getByRole("dialog", { name: "Connect the agent" });
  const token = await dialog.getByRole("group", { name: "Token", exact: true }).innerText();
  await expect(dialog.getByRole("group", { name: /agent\.toml/ })).toContainText(`token = "${token}"`);
  await expect(dialog.getByText("Waiting for first contact")).toBeVisible();
  await expectAccessible(page);
  const headers = { Authorization: `Bearer ${token}` };
  expect((await fetch(`${workplace.service.url}/api/v1/agent`, { headers })).status).toBe(200);
  await expect(dialog.getByText("The agent has called.")).toBeVisible();
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(page.getByRole("row", { name: /mx1/ })).not.toContainText("Waiting");
  await expectAccessible(page);
});

test("the error log is searched by address and reason", async ({ page }) => {
  await signIn(page, workplace, "/delivery-report/error-log");
  await expect(page.getByRole("row")).toHaveCount(4);
  await expectAccessible(page);
  await page.getByLabel("Error reason").selectOption("Unknown user");
  await expect(page.getByRole("row")).toHaveCount(3);
  await page.getByRole("searchbox").fill("jiro");
  await expect(page.getByRole("row")).toHaveCount(2);
  await expect(page.getByRole("cell", { name: "550 5.1.1 No such mailbox" })).toBeVisible();
});

test("Japanese, dark and 360 px wide: everything fits and is readable", async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/list");
  await page.getByLabel("Language").selectOption("日本語");
  await expect(page.getByRole("link", { name: "配信停止リスト" })).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", "ja");
  for (const section of ["配信停止リスト", "停止解除リスト", "配布", "メールサーバー"]) {
    await page.getByRole("link", { name: section, exact: true }).click();
    await expectAccessible(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  }
});

test("a lost connection shows and heals", async ({ page, context }) => {
  await signIn(page, workplace, "/blocked/list");
  await context.setOffline(true);
  await page.getByRole("link", { name: "Mail servers" }).click();
  await expect(page.getByText("Connection lost. Trying again…")).toBeVisible();
  await context.setOffline(false);
  await expect(page.getByText("Connection lost. Trying again…")).toBeHidden({ timeout: 15_000 });
  await expect(page.getByText("No mail server yet")).toBeVisible();
});
