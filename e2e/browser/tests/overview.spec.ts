// The delivery report's overview: charts, their tables, and the days that they show.
import type { Page } from "@playwright/test";
import { expect, expectAccessible, json, refuse, runNow, signIn, tabTo, test, type Workplace } from "./workplace";

const OVERVIEW = "/delivery-report/overview";

/** Errors of some days ago, a delivery, a run and a release. */
async function fill(workplace: Workplace): Promise<void> {
  const ago = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
  const error = (id: string, address: string, reason: string, days: number) => ({
    id, address, outcome: "error", reason, smtp_code: 550, reply: "550 no", occurred_at: ago(days),
  });
  await json(
    workplace.call("POST", "/delivery-events", [
      error("a", "a@worst.example", "reception_rejected", 2),
      error("b", "b@worst.example", "reception_rejected", 2),
      error("c", "c@worst.example", "resend_timeout", 20),
      { id: "d", address: "ok@example.com", outcome: "delivered", occurred_at: ago(1) },
    ]),
  );
  await runNow(workplace);
  // Only what a distribution has published counts.
  await expect
    .poll(async () => (await json(workplace.call("GET", "/distributions"))).items[0]?.state, { timeout: 20_000 })
    .toBe("complete");
  await json(workplace.call("POST", "/releases", { addresses: ["taro@example.com"] }));
}

function chart(page: Page, name: string) {
  return page.getByRole("figure").filter({ has: page.getByRole("heading", { name }) });
}

test("errors, growth, blocks and releases are drawn, told by the keyboard, and shown as tables", async ({
  page, workplace,
}) => {
  await fill(workplace);
  await signIn(page, workplace, "/blocked/list");
  await page.getByRole("link", { name: "Delivery report" }).click();
  await expect(page).toHaveURL(workplace.at(OVERVIEW));
  const errors = chart(page, "Errors by reason");
  await expect(errors.getByRole("list")).toContainText("Unknown user");
  await expect(errors.getByRole("list")).not.toContainText("Address format error");
  await expectAccessible(page);

  const slider = errors.getByRole("slider", { name: "Errors by reason" });
  await tabTo(page, slider);
  await expect(slider).toHaveAttribute("aria-valuetext", /: Unknown host 1 · Unknown user 2 · Resend timeout 0 · Rejecting mail reception 0$/);
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await expect(slider).toHaveAttribute("aria-valuetext", /Rejecting mail reception 2$/);
  await expect(errors.locator(".told")).toContainText("Rejecting mail reception 2");
  await page.keyboard.press("Home");
  await expect(slider).toHaveAttribute("aria-valuenow", "1");
  await page.keyboard.press("Tab");
  await expect(errors.locator(".told")).toContainText("Point at a day");

  await errors.getByText("Show as table").click();
  const rows = errors.getByRole("table").getByRole("row");
  await expect(rows).toHaveCount(31);
  await expect(rows.nth(0)).toHaveText("DayUnknown hostUnknown userResend timeoutRejecting mail reception");
  await expect(rows.nth(1).getByRole("cell")).toHaveText(["1", "2", "0", "0"]);
  await expect(rows.nth(3).getByRole("cell")).toHaveText(["0", "0", "0", "2"]);
  await expectAccessible(page);

  const changes = chart(page, "Blocks and releases per day");
  await changes.getByText("Show as table").click();
  await expect(changes.getByRole("table").getByRole("row").nth(1).getByRole("cell")).toHaveText(["3", "1"]);
  const growth = chart(page, "Addresses on the blocked list");
  await growth.getByText("Show as table").click();
  await expect(growth.getByRole("table").getByRole("row").nth(1).getByRole("cell")).toHaveText(["2"]);

  const facts = page.locator(".figures .fact");
  await expect(facts).toHaveText([/Delivered\s*1$/, /Errors\s*6$/, /Error rate\s*85\.7%$/, /On the blocked list\s*2$/]);
  await page.getByRole("link", { name: "worst.example: 3 errors" }).click();
  await expect(page).toHaveURL(workplace.at("/delivery-report/error-log?domain=worst.example"));
  await expect(page.getByRole("row")).toHaveCount(4);
});

test("an open table stays open and follows what is reported, and old numbers say that they are old", async ({
  page, workplace,
}) => {
  await signIn(page, workplace, OVERVIEW);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  const errors = chart(page, "Errors by reason");
  const opener = errors.getByText("Show as table");
  await opener.click();
  const today = errors.getByRole("table").getByRole("row").nth(1).getByRole("cell");
  await expect(today).toHaveText(["1", "2"]);
  const report = (id: string, address: string) => {
    const event = { id, address, outcome: "error", reason: "unknown_user", occurred_at: new Date().toISOString() };
    return json(workplace.call("POST", "/delivery-events", [event]));
  };
  await report("more", "x@a&b.example");
  await expect(today).toHaveText(["1", "3"]);
  await expect(opener).toBeFocused();
  // What cannot be read again stays as it is, too.
  await page.route("**/delivery-report?*", (route) => route.fulfill({ status: 500, body: "{}" }), { times: 1 });
  await report("most", "x@a&b.example");
  await expect(page.getByText("The service could not do this (HTTP 500). Try again.")).toBeVisible();
  await expect(today).toHaveText(["1", "3"]);
  await opener.click();
  await expect(errors.getByRole("table")).toHaveCount(0);
  await page.getByRole("link", { name: "a&b.example: 1 error" }).click();
  await expect(page).toHaveURL(workplace.at("/delivery-report/error-log?domain=a%26b.example"));
  await expect(page.getByRole("row")).toHaveCount(3);
});

test("pointing at a day tells its values", async ({ page, workplace }) => {
  await fill(workplace);
  await signIn(page, workplace, OVERVIEW);
  const slider = page.getByRole("slider", { name: "Errors by reason" });
  const box = (await slider.boundingBox())!;
  await page.mouse.move(box.x + box.width - 3, box.y + box.height / 2);
  await expect(chart(page, "Errors by reason").locator(".told")).toContainText("Unknown user 2");
  await page.mouse.move(box.x + 3, box.y + box.height / 2);
  await expect(chart(page, "Errors by reason").locator(".told")).toContainText("Unknown user 0");
});

test("a day that is clicked is the one that is chosen", async ({ page, workplace }) => {
  await signIn(page, workplace, OVERVIEW);
  const slider = page.getByRole("slider", { name: "Errors by reason" });
  await slider.click({ position: { x: 3, y: 40 } });
  await expect(slider).toBeFocused();
  await expect(slider).toHaveAttribute("aria-valuenow", "1");
  await expect(chart(page, "Errors by reason").locator(".told")).toContainText("Unknown user 0");
  await page.keyboard.press("ArrowRight");
  await expect(slider).toHaveAttribute("aria-valuenow", "2");
});

test.describe("on a touch screen", () => {
  test.use({ hasTouch: true });

  test("a day that is tapped stays chosen when the finger is lifted", async ({ page, workplace }) => {
    await signIn(page, workplace, OVERVIEW);
    const slider = page.getByRole("slider", { name: "Errors by reason" });
    await slider.tap({ position: { x: 3, y: 40 } });
    await expect(slider).toBeFocused();
    await expect(slider).toHaveAttribute("aria-valuenow", "1");
    await expect(chart(page, "Errors by reason").locator(".told")).toContainText("Unknown user 0");
  });
});

test("the days are chosen, and are in the URL", async ({ page, workplace }) => {
  await fill(workplace);
  await signIn(page, workplace, OVERVIEW);
  const slider = page.getByRole("slider", { name: "Errors by reason" });
  await expect(slider).toHaveAttribute("aria-valuemax", "30");
  await page.getByRole("button", { name: "7 days" }).click();
  await expect(page).toHaveURL(workplace.at(`${OVERVIEW}?days=7`));
  await expect(slider).toHaveAttribute("aria-valuemax", "7");
  // Twenty days ago is not shown any more.
  await expect(chart(page, "Errors by reason").getByRole("list")).not.toContainText("Resend timeout");
  await page.reload();
  await expect(slider).toHaveAttribute("aria-valuemax", "7");
  await expect(page.getByRole("button", { name: "7 days" })).toHaveAttribute("aria-pressed", "true");
  await page.getByRole("button", { name: "90 days" }).click();
  await expect(slider).toHaveAttribute("aria-valuemax", "90");
  await expectAccessible(page);
});

test("nothing to draw, and what cannot be read, is told", async ({ page, workplace }) => {
  const { id } = await json(
    workplace.account("POST", "/server-configurations", { name: "Orders", time_zone: "Asia/Tokyo" }),
  );
  const mend = await refuse(page, "**/delivery-report?*");
  await signIn(page, workplace, OVERVIEW);
  await expect(page.getByText("The service could not do this (HTTP 500). Try again.")).toBeVisible();
  await expectAccessible(page);
  await mend();
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("slider", { name: "Errors by reason" })).toBeVisible();
  await expect(page.getByText("No block or release in these days.")).toBeVisible();
  await page.getByRole("link", { name: "Orders" }).click();
  await expect(page).toHaveURL(`${workplace.service.url}/configurations/${id}${OVERVIEW}`);
  await expect(page.getByText("Nothing has happened in these days")).toBeVisible();
  await expectAccessible(page);
});

test("in Japanese, dark and 360 px wide: everything fits and is readable", async ({ page, workplace }) => {
  await fill(workplace);
  await page.setViewportSize({ width: 360, height: 740 });
  await signIn(page, workplace, `${OVERVIEW}?days=90`);
  await page.getByLabel("Language").selectOption("日本語");
  await expect(page.getByRole("slider", { name: "エラー理由別の件数" })).toBeVisible();
  await page.getByText("表で表示").first().click();
  await expect(page.getByRole("table")).toBeVisible();
  await expectAccessible(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
});
