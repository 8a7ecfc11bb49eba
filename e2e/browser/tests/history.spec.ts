// One address: why it is blocked, since when, on which mail servers.
import { mailServer } from "./agents";
import { expect, expectAccessible, json, refuse, runNow, signIn, tabTo, test } from "./workplace";

const TARO = "/blocked/address?address=taro%40example.com";

test("a block says why, since when and on which mail servers, and is released", async ({ page, workplace }) => {
  const [mx1] = [await mailServer(workplace, "mx1"), await mailServer(workplace, "mx2")];
  await runNow(workplace);
  await mx1();
  await signIn(page, workplace, TARO);
  await expect(page.getByRole("heading", { level: 2, name: "taro@example.com" })).toBeVisible();
  const why = page.locator("p.lead");
  await expect(why).toHaveText(
    /^Blocked since .* because of “Unknown user”; in effect on 1 of 2 mail servers \(mx1\) since .*\.$/,
  );
  const servers = page.getByRole("listitem");
  await expect(servers.filter({ hasText: "mx1" }).filter({ hasText: "Blocks it" })).toBeVisible();
  const timeline = page.getByRole("list", { name: "What happened" });
  await expect(timeline.getByRole("listitem")).toHaveCount(2);
  await expect(timeline.getByRole("listitem").first()).toContainText("Blocked");
  await expect(timeline.getByRole("listitem").first()).toContainText("By a run");
  await expect(timeline.getByText("550 5.1.1 User unknown")).toBeVisible();
  await expectAccessible(page);

  await page.getByRole("button", { name: "Release" }).click();
  const dialog = page.getByRole("dialog", { name: "Release address" });
  await dialog.getByLabel("Comment").fill("The customer called");
  await dialog.getByRole("button", { name: "Release" }).click();
  await expect(page.getByText("taro@example.com is released.")).toBeVisible();
  await expect(why).toHaveText(/^Being released \(Released\)/);
  await expect(timeline.getByText("The customer called").first()).toBeVisible();
  await expect(timeline.getByText("By keiko@example.com").first()).toBeVisible();
  await expect(page.getByRole("button", { name: "Release" })).toHaveCount(0);
  await expectAccessible(page);
  // What the mail server says is heard at once.
  await mx1();
  await expect(why).toHaveText(/^Not blocked: released .*“Unknown user”/);
});

test("every list leads to the history, and back to the same place", async ({ page, workplace }) => {
  await runNow(workplace);
  await json(workplace.call("POST", "/releases", { addresses: ["jiro@example.org"] }));
  for (const [section, query, address] of [
    ["/blocked/list", "?sort=address&direction=ascending", "taro@example.com"],
    ["/blocked/stop-cancellation", "?q=ji", "jiro@example.org"],
    ["/delivery-report/error-log", "?reason=unknown_host", "hanako@example.net"],
    ["/delivery-report/delivery-log", "", "jiro@example.org"],
  ] as const) {
    const list = workplace.at(section + query);
    if (section === "/blocked/list") await signIn(page, workplace, section + query);
    else await page.goto(list);
    const link = page.getByRole("main").getByRole("link", { name: address });
    await link.click();
    await expect(page).toHaveURL(workplace.at(`/blocked/address?address=${encodeURIComponent(address)}`));
    await expect(page.getByRole("heading", { level: 2, name: address })).toBeVisible();
    await page.locator("a.back").click();
    await expect(page).toHaveURL(list);
    await expect(link).toBeFocused();
    // The browser's own way back does the same.
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { level: 2, name: address })).toBeVisible();
    await page.goBack();
    await expect(page).toHaveURL(list);
    await expect(link).toBeFocused();
    await page.goForward();
    await page.locator("a.back").click();
    await expect(page).toHaveURL(list);
  }
});

test("what is not known, not named and not readable is told", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/address?address=nobody%40example.com");
  await expect(page.getByText("Nothing is known about this address")).toBeVisible();
  await expect(page.locator("a.back")).toHaveText("Blocked list");
  await expectAccessible(page);
  await page.goto(workplace.at("/blocked/address"));
  await expect(page.getByText("No address is named")).toBeVisible();
  await expectAccessible(page);
  const mend = await refuse(page, "**/address-history*");
  await page.goto(workplace.at(TARO));
  await expect(page.getByText("The service could not do this (HTTP 500). Try again.")).toBeVisible();
  await expectAccessible(page);
  await mend();
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.locator("p.lead")).toHaveText("Not blocked. Errors that count now: Unknown user 1.");
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  const another = { id: "another", address: "taro@example.com", outcome: "error", reason: "unknown_user" };
  await json(workplace.call("POST", "/delivery-events", [{ ...another, occurred_at: new Date().toISOString() }]));
  await expect(page.locator("p.lead")).toHaveText("Not blocked. Errors that count now: Unknown user 2.");
});

test("an address with a plus is found by its link, also by way of signing in", async ({ page, workplace }) => {
  for (const address of ["ken+news@example.com", "50%25off&more@example.com"]) {
    await json(workplace.call("POST", "/blocked-addresses", { addresses: [address] }));
  }
  await signIn(page, workplace, "/blocked/address?address=ken%2Bnews%40example.com");
  await expect(page.getByRole("heading", { level: 2, name: "ken+news@example.com" })).toBeVisible();
  await expect(page.locator("p.lead")).toHaveText(/“Registered”/);
  await page.goto(workplace.at("/blocked/list?q=off%26more"));
  await page.getByRole("main").getByRole("link", { name: "50%25off&more@example.com" }).click();
  await expect(page.getByRole("heading", { level: 2, name: "50%25off&more@example.com" })).toBeVisible();
  await expect(page.locator("p.lead")).toHaveText(/“Registered”/);
});

test("many errors have pages", async ({ page, workplace }) => {
  const events = Array.from({ length: 120 }, (_, number) => ({
    id: `many-${number}`, address: "taro@example.com", outcome: "error", reason: "other",
    occurred_at: new Date(Date.now() - number * 60_000).toISOString(), smtp_code: 554, reply: `554 refused ${number}`,
  }));
  await json(workplace.call("POST", "/delivery-events", events));
  await signIn(page, workplace, TARO);
  const timeline = page.getByRole("list", { name: "What happened" });
  const shown = async () => await timeline.getByRole("listitem").count();
  await expect.poll(shown).toBeGreaterThan(10);
  const first = await shown();
  expect(first).toBeLessThan(121);
  await page.getByRole("button", { name: "Next page" }).click();
  await expect(page).toHaveURL(/cursor=/);
  await expect(timeline.getByText("554 refused 60", { exact: true })).toBeVisible();
  await expect(timeline.getByText("554 refused 0", { exact: true })).toHaveCount(0);
  await page.goBack();
  await expect(timeline.getByText("554 refused 0", { exact: true })).toBeVisible();
});

test("with the keyboard alone, in Japanese, at 360 px", async ({ page, workplace }) => {
  const mx1 = await mailServer(workplace, "mx1");
  await runNow(workplace);
  await mx1();
  await page.setViewportSize({ width: 360, height: 740 });
  await signIn(page, workplace, "/blocked/list");
  await page.getByLabel("Language").selectOption("日本語");
  const link = page.getByRole("main").getByRole("link", { name: "taro@example.com" });
  await expect(link).toBeVisible();
  await tabTo(page, link);
  await page.keyboard.press("Enter");
  await expect(page.locator("p.lead")).toHaveText(/から「ユーザー不明」のため配信停止中で、.*からメールサーバー mx1 に適用されています。$/);
  await expectAccessible(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await tabTo(page, page.getByRole("button", { name: "解除" }));
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "配信停止の解除" });
  await tabTo(page, dialog.getByRole("button", { name: "解除する" }));
  await page.keyboard.press("Enter");
  await expect(page.getByText("taro@example.com を解除しました。")).toBeVisible();
});

test.describe("on the Standard plan", () => {
  test.use({ plan: "standard" });

  test("the history requests a release", async ({ page, workplace }) => {
    await runNow(workplace);
    await signIn(page, workplace, TARO);
    await expect(page.locator("a.back")).toHaveText("Request a release");
    await page.getByRole("button", { name: "Request a release" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Release" }).click();
    await expect(page.getByText("taro@example.com is released.")).toBeVisible();
    await expect(page.locator("p.lead")).toHaveText(/^Not blocked: released|^Being released/);
  });
});
