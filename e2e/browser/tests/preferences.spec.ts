// Language, time zone and theme: chosen in the browser, kept there, and the same in all of its windows.
import type { Page } from "@playwright/test";
import { expect, expectAccessible, runNow, signIn, tabTo, test, type Workplace } from "./workplace";

const settings = (workplace: Workplace) => `${workplace.service.url}/settings/account`;
const stopDate = (page: Page) => page.getByRole("row", { name: /taro@example\.com/ }).getByRole("time");
/** The time now on the clocks of a zone, as the console writes times. */
const clock = (timeZone: string, at: string) =>
  new Intl.DateTimeFormat("en", { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(at));

test("language and time zone are chosen in the settings, and everything follows", async ({ page, workplace }) => {
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/list");
  const at = (await stopDate(page).getAttribute("datetime"))!;
  await expect(stopDate(page)).toContainText(clock("Europe/Berlin", at));
  await page.getByRole("link", { name: "Settings" }).click();
  const card = page.locator("form", { hasText: "Language and time zone" });
  await expect(card.getByLabel("Time zone")).toHaveValue("");
  await expect(card).toContainText("(Europe/Berlin)");
  await expectAccessible(page);
  await card.getByLabel("Language").selectOption("日本語");
  await card.getByLabel("Time zone").selectOption("Asia/Tehran");
  // Nothing changes under who is still choosing.
  await expect(card).toContainText("(Asia/Tehran)");
  await tabTo(page, card.getByRole("button", { name: "Apply" }));
  await page.keyboard.press("Enter");
  await expect(page.locator("html")).toHaveAttribute("lang", "ja");
  await expect(page.getByText("言語とタイムゾーンを変更しました。")).toBeVisible();
  const theirs = page.locator("form", { hasText: "言語とタイムゾーン" });
  await expect(theirs.getByLabel("タイムゾーン")).toHaveValue("Asia/Tehran");
  await expect(theirs.getByLabel("タイムゾーン")).toBeFocused();
  await expectAccessible(page);
  await page.goto(workplace.at("/blocked/list"));
  await expect(stopDate(page)).toContainText(clock("Asia/Tehran", at));
  await expect(stopDate(page)).toContainText("GMT+3:30");
  await expect(stopDate(page)).toContainText("年");

  await page.goto(settings(workplace));
  await theirs.getByLabel("タイムゾーン").selectOption("ブラウザーと同じ");
  await theirs.getByLabel("言語").selectOption("English");
  await theirs.getByRole("button", { name: "適用" }).click();
  await page.goto(workplace.at("/blocked/list"));
  await expect(stopDate(page)).toContainText(clock("Europe/Berlin", at));
});

test("a day is that of the chosen zone, whenever its clocks are changed", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  for (const [zone, day, from, to] of [
    ["", "2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"],
    ["Asia/Tokyo", "2026-03-29", "2026-03-28T15:00", "2026-03-29T15:00"],
    // Midnight is left out, east and west of Greenwich.
    ["Asia/Beirut", "2026-03-29", "2026-03-28T22:00", "2026-03-29T21:00"],
    ["America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00", "2018-11-05T02:00"],
    // The clocks go back, or forward, after a midnight that is yesterday in Greenwich.
    ["Pacific/Auckland", "2026-04-05", "2026-04-04T11:00", "2026-04-05T12:00"],
    ["Pacific/Auckland", "2026-09-27", "2026-09-26T12:00", "2026-09-27T11:00"],
    ["No/Where", "2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"],
  ] as const) {
    await page.evaluate((zone) => localStorage.setItem("stoplist.time-zone", zone), zone);
    const asked = page.waitForRequest(/\/api\/v1\/audit-log\?/);
    await page.goto(`${workplace.service.url}/settings/audit-log?from=${day}&to=${day}`);
    const query = new URL((await asked).url()).searchParams;
    expect([query.get("from"), query.get("to")], zone).toEqual([`${from}:00.000Z`, `${to}:00.000Z`]);
  }
});

test("what is chosen in one window is so in the others", async ({ page, workplace }) => {
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/list");
  const other = await page.context().newPage();
  await other.goto(settings(workplace));
  await other.getByLabel("Theme").selectOption("Dark");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  const card = other.locator("form", { hasText: "Language and time zone" });
  await card.getByLabel("Language").selectOption("日本語");
  await card.getByLabel("Time zone").selectOption("Asia/Tehran");
  await card.getByRole("button", { name: "Apply" }).click();
  await expect(page.getByRole("columnheader", { name: "メールアドレス" })).toBeVisible();
  await expect(stopDate(page)).toContainText("GMT+3:30");
});
