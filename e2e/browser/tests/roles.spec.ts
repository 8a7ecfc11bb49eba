import { actAs, expect, expectAccessible, json, runNow, signIn, tabTo, test, type Workplace } from "./workplace";

/** What the audit log has for reasons. */
async function comments(workplace: Workplace): Promise<string[]> {
  const { items } = await json(workplace.account("GET", "/audit-log"));
  return items.map((entry: { comment?: string }) => entry.comment);
}

for (const role of ["viewer", "operator"] as const) {
  test(`what is not for the ${role} is not offered`, async ({ page, workplace }) => {
    await runNow(workplace);
    await json(workplace.call("POST", "/releases", { addresses: ["jiro@example.org"] }));
    await json(workplace.call("POST", "/mail-servers", { name: "mx1" }));
    const lists = role === "operator" ? 1 : 0;
    await actAs(page, role);
    await signIn(page, workplace, "/blocked/list");
    await expect(page.getByRole("cell", { name: "taro@example.com", exact: true })).toBeVisible();
    await expect(page.getByRole("button", { name: "Release: taro@example.com" })).toHaveCount(lists);
    await expect(page.getByLabel("Select taro@example.com")).toHaveCount(lists);
    await expect(page.getByRole("button", { name: /^Release (all found|selected)/ })).toHaveCount(2 * lists);
    // Everybody may download, once the account may.
    await expect(page.getByRole("button", { name: "Download" })).toHaveCount(1);
    await expect(page.getByRole("button", { name: "Run now" })).toHaveCount(0);
    await expect(page.getByRole("button", { name: "New server configuration" })).toHaveCount(0);

    await page.getByRole("button", { name: "Run settings" }).click();
    const dialog = page.getByRole("dialog", { name: "Run settings" });
    await expect(dialog.getByText("Only administrators can change this.")).toBeVisible();
    await expect(dialog.getByLabel("Execute timing")).toBeDisabled();
    await expect(dialog.getByLabel("Enable Unknown user")).toBeDisabled();
    await expect(dialog.getByRole("button", { name: "Save" })).toHaveCount(0);
    await expectAccessible(page);
    await page.keyboard.press("Escape");

    await page.getByRole("link", { name: "Stop cancellation" }).click();
    await expect(page.getByRole("cell", { name: "jiro@example.org", exact: true })).toBeVisible();
    await expect(page.getByRole("button", { name: "Delete: jiro@example.org" })).toHaveCount(lists);
    await page.getByRole("link", { name: "Mail servers" }).click();
    await expect(page.getByRole("cell", { name: "mx1", exact: true })).toBeVisible();
    await expect(page.getByRole("button", { name: /^(Deactivate|New token|Add mail server)/ })).toHaveCount(0);
    // Everybody may ask the provider; users, tokens and the audit log are for administrators.
    await page.getByRole("link", { name: "Inquiries" }).click();
    await expect(page.getByRole("link", { name: "New inquiry" })).toBeVisible();
    await page.getByRole("link", { name: "Settings" }).click();
    await expect(page.getByRole("link", { name: "My account" })).toBeVisible();
    await expect(page.getByRole("link", { name: /^(Users|Tokens|Audit log)$/ })).toHaveCount(0);
    // Nor by a link.
    for (const link of ["/settings/users?dialog=invite", "/settings/tokens?dialog=new-token"]) {
      await page.goto(workplace.service.url + link);
      await expect(page.getByRole("heading", { level: 1, name: "Settings" })).toBeVisible();
      await expect(page.getByRole("main").getByRole("region").or(page.getByRole("main").getByText("empty")).first()).toBeVisible();
      await expect(page.getByRole("button", { name: /^(Invite|New token|Create)$/ })).toHaveCount(0);
    }
  });
}

test.describe("on the Standard plan", () => {
  test.use({ plan: "standard" });

  test("an address is released by request, and the settings are fixed", async ({ page, workplace }) => {
    await runNow(workplace);
    await signIn(page, workplace, "/delivery-report/error-log");
    await expect(page.getByRole("row", { name: /taro@example\.com/ })).toBeVisible();
    await page.getByRole("link", { name: "Blocked" }).click();
    await expect(page.getByRole("link", { name: "Stop cancellation" })).toHaveCount(0);

    const address = page.getByLabel("Mail address");
    const submit = page.getByRole("button", { name: "Delete" });
    await address.fill("not an address");
    await submit.click();
    await expect(page.getByText("This is not a mail address.")).toBeVisible();
    await expect(address).toHaveAttribute("aria-invalid", "true");
    await expectAccessible(page);
    await address.fill("nobody@example.com");
    await submit.click();
    await expect(page.getByText("This address is not on the blocked list.")).toBeVisible();
    await address.fill("Taro@Example.com");
    await page.getByLabel("Comment").fill("He wrote to us");
    await submit.click();
    await expect(page.getByText("Taro@Example.com is released.")).toBeVisible();
    await expect(page.getByLabel("Comment")).toHaveValue("");
    expect(await comments(workplace)).toContain("He wrote to us");
    await expectAccessible(page);
    // The plan does not show the stop cancellation list: what is on it is not blocked again.
    const again = { id: "again", address: "taro@example.com", outcome: "error", reason: "unknown_user" };
    const events = [{ ...again, occurred_at: new Date().toISOString() }];
    expect((await json(workplace.call("POST", "/delivery-events", events))).accepted).toBe(1);
    await runNow(workplace);
    const { items } = await json(workplace.call("POST", "/releases", { addresses: ["taro@example.com"] }));
    expect(items.map((item: { status: string }) => item.status)).toEqual(["not_blocked"]);

    await page.getByRole("button", { name: "Run settings" }).click();
    const dialog = page.getByRole("dialog", { name: "Run settings" });
    await expect(dialog.getByText("The Standard plan blocks with the default conditions.")).toBeVisible();
    await expect(dialog.getByLabel("Enable Unknown user")).toBeDisabled();
    await expect(dialog.getByRole("button", { name: "Save" })).toHaveCount(0);
    await expectAccessible(page);

    await page.goto(workplace.at("/blocked/stop-cancellation"));
    await expect(page.getByText("Part of the Professional plan")).toBeVisible();
  });

  test("in Japanese, with the keyboard alone, at 360 px", async ({ page, workplace }) => {
    await runNow(workplace);
    await page.setViewportSize({ width: 360, height: 740 });
    await signIn(page, workplace, "/blocked/list");
    await page.getByLabel("Language").selectOption("日本語");
    await expect(page.getByRole("heading", { name: "解除の依頼" })).toBeVisible();
    await expect(page.getByRole("link", { name: "停止解除リスト" })).toHaveCount(0);
    const address = page.getByLabel("メールアドレス");
    await tabTo(page, address);
    await page.keyboard.type("アドレスではない");
    await page.keyboard.press("Enter");
    await expect(page.locator("#request-address-error")).toHaveText("メールアドレスではありません。");
    await expectAccessible(page);
    await address.fill("nobody@example.com");
    await page.keyboard.press("Enter");
    await expect(page.getByText("このアドレスは配信停止リストにありません。変更はありません。")).toBeVisible();
    await address.fill("taro@example.com");
    await tabTo(page, page.getByLabel("コメント"));
    await page.keyboard.type("本人からの依頼");
    await tabTo(page, page.getByRole("button", { name: "削除" }));
    await page.keyboard.press("Enter");
    await expect(page.getByText("taro@example.com を解除しました。")).toBeVisible();
    await expectAccessible(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(await comments(workplace)).toContain("本人からの依頼");

    await page.getByRole("button", { name: "実行設定" }).click();
    const dialog = page.getByRole("dialog", { name: "実行設定" });
    await expect(dialog.getByText("スタンダードプランでは既定の条件で停止します。")).toBeVisible();
    await page.goto(workplace.at("/blocked/stop-cancellation"));
    await expect(page.getByText("プロフェッショナルプランの機能です")).toBeVisible();
    await expectAccessible(page);
  });
});
