import { expect, expectAccessible, json, runNow, signIn, test } from "./workplace";

test("Japanese, dark and 360 px wide: everything fits and is readable", async ({ page, workplace }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await runNow(workplace);
  await json(workplace.call("POST", "/mail-servers", { name: "mx1" }));
  await signIn(page, workplace, "/blocked/list");
  await page.getByLabel("Language").selectOption("日本語");
  await expect(page.getByRole("link", { name: "配信停止リスト" })).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", "ja");
  for (const section of ["配信停止リスト", "停止解除リスト", "配布", "メールサーバー", "配信レポート", "エラーログ", "配信ログ"]) {
    await page.getByRole("link", { name: section, exact: true }).click();
    await expectAccessible(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  }
  await page.getByRole("link", { name: "配信停止", exact: true }).click();
  await expect(page.getByLabel("エラー理由")).toBeHidden();
  await page.getByRole("button", { name: "絞り込み" }).click();
  await page.getByLabel("エラー理由").selectOption("ユーザー不明");
  await expect(page.getByRole("button", { name: "絞り込み (1)" })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "実行設定" }).click();
  const dialog = page.getByRole("dialog", { name: "実行設定" });
  await expect(dialog.getByLabel("実行タイミング")).toBeVisible();
  await expectAccessible(page);
  expect(await dialog.evaluate((element) => element.scrollWidth)).toBeLessThanOrEqual(360);
});

test("the chosen theme outweighs the system's, and lasts", async ({ page, workplace }) => {
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: "light" });
  await signIn(page, workplace, "/blocked/list");
  const light = await background();
  await page.getByLabel("Theme").selectOption("Dark");
  const dark = await background();
  expect(dark).not.toBe(light);
  await page.reload();
  await expect(page.getByLabel("Theme")).toHaveValue("dark");
  expect(await background()).toBe(dark);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.getByLabel("Theme").selectOption("Light");
  expect(await background()).toBe(light);
  await page.getByLabel("Theme").selectOption("System");
  expect(await background()).toBe(dark);
});

test("on a wall of screens everything is larger", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  const size = () => page.evaluate(() => parseFloat(getComputedStyle(document.querySelector("main p")!).fontSize));
  await page.setViewportSize({ width: 1920, height: 1080 });
  const usual = await size();
  await page.setViewportSize({ width: 3840, height: 2160 });
  await expect.poll(size).toBeCloseTo(usual * 1.25);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(3840);
});
