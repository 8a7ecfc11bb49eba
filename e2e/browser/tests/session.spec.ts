import { settled } from "./waiting";
import { ADMINISTRATOR, expect, expectAccessible, fillSignIn, json, runNow, signIn, test } from "./workplace";

test("signing in leads back to the page, and a session survives its access token", async ({ page, workplace }) => {
  await page.goto(workplace.at("/blocked/list?q=taro"));
  await expectAccessible(page);
  await page.getByLabel("E-mail").fill(ADMINISTRATOR.email);
  await page.getByLabel("Password").fill("not the right password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert").first()).toHaveText("The e-mail address or the password is not right.");
  await settled(page, () => fillSignIn(page));
  await expect(page).toHaveURL(workplace.at("/blocked/list?q=taro"));
  await expect(page.getByRole("searchbox")).toHaveValue("taro");

  expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain("ey");
  let asked = 0;
  await page.route("**/exemptions*", async (route) => {
    if (asked++ === 0) await route.fulfill({ status: 401, contentType: "application/problem+json", body: "{}" });
    else await route.continue();
  });
  await page.getByRole("link", { name: "Stop cancellation" }).click();
  await expect(page.getByText("The stop cancellation list is empty")).toBeVisible();
  expect(asked).toBe(2);

  await page.reload();
  await expect(page.getByText("The stop cancellation list is empty")).toBeVisible();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByLabel("Password")).toBeVisible();
  await page.goto(workplace.at("/blocked/list"));
  await expect(page.getByLabel("Password")).toBeVisible();
});

test("a session that ended says so, and signing in again returns to the same place", async ({ page, workplace }) => {
  await runNow(workplace);
  const asked = page.waitForRequest("**/blocked-addresses*");
  await signIn(page, workplace, "/blocked/list?sort=address&direction=ascending");
  const authorization = (await (await asked).headerValue("authorization"))!;
  const ended = await fetch(`${workplace.service.url}/api/v1/sessions/current`, {
    method: "DELETE", headers: { authorization },
  });
  expect(ended.status).toBe(204);
  await page.getByLabel("Error reason").selectOption("Unknown user");
  await expect(page.getByText("Your session has ended. Sign in again.")).toBeVisible();
  await expectAccessible(page);
  await fillSignIn(page);
  await expect(page).toHaveURL(/\/blocked\/list\?(?=.*sort=address)(?=.*reason=unknown_user)/);
  await expect(page.getByRole("row")).toHaveCount(3);
  await expect(page.getByText("Your session has ended.")).toBeHidden();
});

test("two tabs show the same without being reloaded", async ({ page, context, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  const other = await context.newPage();
  await other.goto(workplace.at("/blocked/list"));
  await expect(other.getByText("No address is blocked")).toBeVisible();
  for (const tab of [page, other]) await expect(tab.getByText("Live", { exact: true })).toBeVisible();

  await page.getByRole("button", { name: "Run now" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Run now" }).click();
  for (const tab of [page, other]) await expect(tab.getByRole("row")).toHaveCount(4, { timeout: 20_000 });
  for (const tab of [page, other]) {
    await expect(tab.getByRole("link", { name: "Newsletter" })).toContainText("3 addresses");
  }
  await other.getByRole("link", { name: "Stop cancellation" }).click();
  await expect(other.getByText("The stop cancellation list is empty")).toBeVisible();
  await page.getByRole("button", { name: "Release: taro@example.com" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Release" }).click();
  await expect(other.getByRole("cell", { name: "taro@example.com", exact: true })).toBeVisible();
  await other.getByRole("button", { name: "Delete: taro@example.com" }).click();
  await other.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(other.getByText("The stop cancellation list is empty")).toBeVisible();

  await page.getByRole("link", { name: "Mail servers" }).click();
  await other.getByRole("link", { name: "Mail servers" }).click();
  await json(workplace.call("POST", "/mail-servers", { name: "mx1" }));
  for (const tab of [page, other]) await expect(tab.getByRole("cell", { name: "mx1", exact: true })).toBeVisible();

  await other.getByRole("button", { name: "Sign out" }).click();
  // By itself.
  await expect(page.getByLabel("Password")).toBeVisible();
});

test("a lost connection shows and heals, and what was missed is read", async ({ page, context, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await context.setOffline(true);
  await page.getByRole("button", { name: "Run now" }).click();
  const dialog = page.getByRole("dialog", { name: "Run now" });
  await dialog.getByRole("button", { name: "Run now" }).click();
  await expect(dialog.getByText("Stoplist cannot be reached.")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByText("Connection lost. Trying again…")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("link", { name: "Mail servers" }).click();
  await runNow(workplace);
  await context.setOffline(false);
  await expect(page.getByText("Connection lost. Trying again…")).toBeHidden({ timeout: 15_000 });
  await expect(page.getByText("No mail server yet")).toBeVisible();
  await page.getByRole("link", { name: "Blocked list" }).click();
  await expect(page.getByRole("row")).toHaveCount(4);
  await expect(page.getByRole("link", { name: "Newsletter" })).toContainText("3 addresses");
});

test("signing out without a connection signs out here at once, and at the service as soon as it can be reached", async ({
  page, context, workplace,
}) => {
  const asked = page.waitForRequest("**/blocked-addresses*");
  await signIn(page, workplace, "/blocked/list");
  const authorization = (await (await asked).headerValue("authorization"))!;
  const isThere = async () =>
    (await fetch(`${workplace.service.url}/api/v1/me`, { headers: { authorization } })).status === 200;
  await context.setOffline(true);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByLabel("Password")).toBeVisible();
  await expect(page.getByText("your session may still be there")).toBeVisible();
  await expect(page.getByText("Newsletter")).toHaveCount(0);
  await expectAccessible(page);
  expect(await isThere()).toBe(true);
  await context.setOffline(false);
  await expect.poll(isThere, { timeout: 15_000 }).toBe(false);
  await page.goto(workplace.at("/blocked/list"));
  await expect(page.getByLabel("Password")).toBeVisible();
  // Nothing of it is left that would end the next session.
  await fillSignIn(page);
  await expect(page).toHaveURL(workplace.at("/blocked/list"));
  await page.reload();
  await expect(page.getByRole("heading", { level: 1, name: "Newsletter" })).toBeVisible();
});

test("a session that was left does not come back with the next page", async ({ page, workplace }) => {
  const asked = page.waitForRequest("**/blocked-addresses*");
  await signIn(page, workplace, "/blocked/list");
  const authorization = (await (await asked).headerValue("authorization"))!;
  // The service does not answer.
  await page.route("**/api/v1/sessions/current", () => {});
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByLabel("Password")).toBeVisible();
  await page.unroute("**/api/v1/sessions/current");
  await page.goto(workplace.at("/blocked/list"));
  await expect(page.getByLabel("Password")).toBeVisible();
  const isThere = async () =>
    (await fetch(`${workplace.service.url}/api/v1/me`, { headers: { authorization } })).status === 200;
  await expect.poll(isThere).toBe(false);
  await expect(page.getByLabel("Password")).toBeVisible();
});

test("only the service's word ends a session: anything else about it is waited for", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  // Of a limit, of a proxy with rules of its own, and of one that has no service behind it.
  const answers = [{ status: 429, headers: { "Retry-After": "1" } }, { status: 403 }, { status: 502 }];
  const asked: number[] = [];
  await page.route("**/api/v1/sessions/refresh", (route) => {
    const answer = answers[asked.push(Date.now()) - 1];
    return answer ? route.fulfill({ body: "{}", ...answer }) : route.continue();
  });
  await page.reload();
  await expect(page.getByText("Connection lost. Trying again…")).toBeVisible();
  await expect(page.getByRole("heading", { level: 1, name: "Newsletter" })).toBeVisible({ timeout: 15_000 });
  await expect(page.getByText("Connection lost. Trying again…")).toBeHidden();
  await expect(page).toHaveURL(workplace.at("/blocked/list"));
  expect(asked).toHaveLength(4);
  expect(asked[1]! - asked[0]!).toBeGreaterThanOrEqual(1_000);
});

test("a session whose token has run out stays while it cannot be renewed", async ({ page, workplace }) => {
  // What is read once more by itself would reach the service.
  await settled(page, () => signIn(page, workplace, "/blocked/list"));
  let away = true;
  await page.route("**/api/v1/sessions/refresh", (route) => (away ? route.fulfill({ status: 503 }) : route.continue()));
  await page.route("**/exemptions*", (route) => (away ? route.fulfill({ status: 401, body: "{}" }) : route.continue()));
  await page.getByRole("link", { name: "Stop cancellation" }).click();
  await expect(page.getByText("Connection lost. Trying again…")).toBeVisible();
  await expect(page.getByText("Stoplist cannot be reached.")).toBeVisible();
  await expectAccessible(page);
  const renewed = page.waitForResponse((answer) => answer.url().endsWith("/sessions/refresh") && answer.ok());
  away = false;
  await renewed;
  await expect(page.getByText("The stop cancellation list is empty")).toBeVisible({ timeout: 15_000 });
  await expect(page.getByText("Connection lost. Trying again…")).toBeHidden();
});
