import { expect, expectAccessible, goOnInJapanese, json, runNow, signIn, tabTo, test } from "./workplace";

test("run settings ask for the delivery timing, and a conflict loses nothing of others", async ({ page, workplace }) => {
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
  const frequency = dialog.getByLabel("Frequency for Resend timeout");
  const wrong = dialog.getByText("Enter a whole number of at least 1.");
  await frequency.fill("0");
  await expect(wrong).toHaveCount(0);
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(frequency).toHaveAttribute("aria-invalid", "true");
  await expect(frequency).toHaveAccessibleDescription("Enter a whole number of at least 1.");
  await expect(wrong).toBeVisible();
  await expect(frequency).toBeFocused();
  await expectAccessible(page);
  await frequency.fill("4");
  await expect(wrong).toHaveCount(0);
  await expect(frequency).toHaveAccessibleDescription("");
  await dialog.getByLabel("Execute timing").fill("03:30");
  await dialog.getByLabel("Enable Unknown user").uncheck();
  await dialog.getByLabel("Cancel blocking for Unknown user").check();
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Save" }).click();
  const timing = page.getByRole("dialog", { name: "Delivery timing" });
  await expect(timing.getByLabel(/At the next execute timing: .*\d{4}.* 03:30 GMT\+9/)).toBeChecked();
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
  const { conditions, watch_warning, success_resets_count } = await json(read);
  const other = await workplace.call(
    "PUT", "/run-settings",
    { execute_timing: "05:00", watch_warning, success_resets_count, conditions, delivery_timing: "next_execution" },
    { "If-Match": read.headers.get("etag")! },
  );
  expect(other.status).toBe(200);
  await dialog.getByLabel("Immediate action").check();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByText("Somebody else changed these settings meanwhile")).toBeVisible();
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Load the new settings" }).click();
  await expect(dialog.getByLabel("Execute timing")).toHaveValue("05:00");
});

test("the dialog shows every field of the manual, and when runs were and will be", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  const dialog = page.getByRole("dialog", { name: "Run settings" });
  const fact = (name: string) => dialog.locator(`dt:text-is("${name}") + dd`);
  await page.getByRole("button", { name: "Run settings" }).click();
  await expect(fact("Previous execution time")).toHaveText("Never");
  await expect(fact("Next execution time")).toHaveText(/\d{4}, 00:00 GMT\+9/);
  await expect(dialog.getByLabel("Execute timing")).toHaveValue("00:00");
  await expect(dialog.getByLabel("Immediate action")).not.toBeChecked();
  await expect(dialog.getByLabel("Watch period (days)")).toHaveValue("");
  // Whether today's run has been only the service knows.
  const next_execution = "2031-03-01T15:00:00Z";
  await page.route("**/execute-timing-preview", (route) => route.fulfill({ json: { next_execution } }));
  await dialog.getByRole("button", { name: "Save" }).click();
  const timing = page.getByRole("dialog", { name: "Delivery timing" });
  await expect(timing.getByLabel("At the next execute timing: Mar 2, 2031, 00:00 GMT+9")).toBeChecked();
  await timing.getByRole("button", { name: "Cancel" }).click();
  await dialog.getByLabel("Immediate action").check();
  await dialog.getByRole("button", { name: "Save" }).click();
  // No question about the timing: it is now.
  await expect(page.getByText("Run settings saved. The run has been queued.")).toBeVisible();
  await expect(page.getByRole("row")).toHaveCount(4, { timeout: 20_000 });
  await page.getByRole("button", { name: "Run settings" }).click();
  await expect(fact("Previous execution time")).toHaveText(/\d{4}, \d\d:\d\d GMT\+9/);
});

test("a watch period that ends many blocks on one day warns with dates and counts, and can be spread", async ({
  page, workplace,
}) => {
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/list");
  await page.getByRole("button", { name: "Run settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Run settings" });
  const warning = dialog.getByRole("status").filter({ hasText: "Many blocks end on the same day" });
  await expect(dialog.getByLabel("Warn above, a day")).toHaveValue("1000");
  await dialog.getByLabel("Watch period (days)").fill("30");
  await dialog.getByLabel("Warn above, a day").fill("2");
  const { heavy_days } = await json(
    workplace.call("POST", "/run-settings/watch-period-preview", { watch_period_days: 30, watch_warning: 2 }),
  );
  expect(heavy_days).toHaveLength(1);
  const day = new Intl.DateTimeFormat("en", {
    weekday: "short", year: "numeric", month: "short", day: "numeric", timeZone: "UTC",
  }).format(new Date(heavy_days[0].day));
  await expect(warning.getByRole("listitem")).toHaveText([`${day}: 3 blocks`]);
  await expectAccessible(page);

  await warning.getByRole("button", { name: "Spread them: at most 2 a day" }).click();
  await expect(dialog.getByLabel("At most so many a day")).toHaveValue("2");
  await expect(warning).toBeHidden();
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByRole("dialog", { name: "Delivery timing" }).getByRole("button", { name: "Save settings" }).click();
  await expect(page.getByText("Run settings saved.", { exact: true })).toBeVisible();
  const saved = await json(workplace.call("GET", "/run-settings"));
  expect(saved).toMatchObject({ watch_period_days: 30, watch_daily_limit: 2, watch_warning: 2 });
});

test("what is wrong with a frequency is told in Japanese, too, and fits on a telephone", async ({ page, workplace }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await signIn(page, workplace, "/blocked/list");
  await goOnInJapanese(page);
  await page.getByRole("button", { name: "実行設定" }).click();
  const dialog = page.getByRole("dialog", { name: "実行設定" });
  const frequency = dialog.getByLabel("ユーザー不明の回数");
  await frequency.fill("1.5");
  await dialog.getByRole("button", { name: "保存" }).click();
  await expect(frequency).toHaveAccessibleDescription("1 以上の整数を入力してください。");
  await expect(dialog.getByText("1 以上の整数を入力してください。")).toBeVisible();
  await expectAccessible(page);
  expect(await dialog.evaluate((element) => element.scrollWidth)).toBeLessThanOrEqual(360);
});

test("that heavy days could not be looked up is told, and another value looks again", async ({ page, workplace }) => {
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/list");
  await page.getByRole("button", { name: "Run settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Run settings" });
  const preview = "**/run-settings/watch-period-preview";
  await page.route(preview, (route) => route.fulfill({ status: 500, body: "" }));
  await dialog.getByLabel("Warn above, a day").fill("2");
  await dialog.getByLabel("Watch period (days)").fill("30");
  const unknown = dialog.getByText("It could not be looked up whether many blocks would end on the same day.");
  await expect(unknown).toBeVisible();
  await expectAccessible(page);
  await page.unroute(preview);
  await dialog.getByLabel("Watch period (days)").fill("31");
  await expect(dialog.getByText("Many blocks end on the same day")).toBeVisible();
  await expect(unknown).toHaveCount(0);
});

test("a condition that is disabled without cancel blocking keeps its blocks", async ({ page, workplace }) => {
  await runNow(workplace);
  await signIn(page, workplace, "/blocked/list");
  await page.getByRole("button", { name: "Run settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Run settings" });
  await expect(dialog.getByLabel("Cancel blocking for Unknown user")).toBeHidden();
  await dialog.getByLabel("Enable Unknown user").uncheck();
  await expect(dialog.getByLabel("Cancel blocking for Unknown user")).not.toBeChecked();
  await dialog.getByLabel("Immediate action").check();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect
    .poll(async () => (await json(workplace.call("GET", "/distributions"))).items.length, { timeout: 20_000 })
    .toBe(2);
  await expect(page.getByRole("row")).toHaveCount(4);
});

test("run settings are changed and confirmed with the keyboard alone", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  const settings = page.getByRole("button", { name: "Run settings" });
  await tabTo(page, settings);
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Run settings" });
  await tabTo(page, dialog.getByLabel("Execute timing"));
  await page.keyboard.type("0415");
  await tabTo(page, dialog.getByLabel("Enable Address format error"));
  await page.keyboard.press("Space");
  await tabTo(page, dialog.getByLabel("Cancel blocking for Address format error"));
  await page.keyboard.press("Space");
  await tabTo(page, dialog.getByRole("button", { name: "Save" }));
  await page.keyboard.press("Enter");
  const timing = page.getByRole("dialog", { name: "Delivery timing" });
  await tabTo(page, timing.getByLabel(/At the next execute timing/));
  await page.keyboard.press("ArrowUp");
  await expect(timing.getByLabel("Now")).toBeChecked();
  // Escape closes the question only, and the focus is back on the button that asked.
  await page.keyboard.press("Escape");
  await expect(timing).toBeHidden();
  await expect(dialog.getByRole("button", { name: "Save" })).toBeFocused();
  await page.keyboard.press("Enter");
  await tabTo(page, timing.getByRole("button", { name: "Save settings" }));
  await page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();
  await expect(settings).toBeFocused();
  const saved = await json(workplace.call("GET", "/run-settings"));
  expect(saved.execute_timing).toBe("04:15");
  expect(saved.conditions).toContainEqual({ reason: "address_format", enabled: false, frequency: 1 });
});
