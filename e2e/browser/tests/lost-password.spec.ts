// A lost password, with a service that sends mail and with one that does not.
import { openMailbox } from "./mailbox";
import { startService } from "./service";
import { ADMINISTRATOR, PROVIDER, expect, expectAccessible, fillSignIn, json, tabTo, test } from "./workplace";

test("a link comes by mail and sets a new password, and nobody hears who is a user", async ({ page }) => {
  const mailbox = await openMailbox();
  const settings = [
    "--smtp-url", `smtp://127.0.0.1:${mailbox.port}`, "--mail-from", "stoplist@example.com",
    "--public-url", "https://console.example",
  ];
  const service = await startService({ settings });
  try {
    const body = JSON.stringify({ code: service.setupCode, ...PROVIDER });
    const headers = { "Content-Type": "application/json" };
    await json(fetch(`${service.url}/api/v1/setup`, { method: "POST", headers, body }));
    await page.goto(`${service.url}/sign-in`);
    await page.getByRole("link", { name: "Forgot your password?" }).click();
    await expect(page).toHaveURL(`${service.url}/forgot-password`);
    await page.reload();
    await expect(page.getByRole("heading", { name: "Forgot your password?" })).toBeVisible();

    const said: string[] = [];
    for (const email of ["nobody@example.com", PROVIDER.email]) {
      await page.goto(`${service.url}/forgot-password`);
      await page.getByLabel("E-mail").fill(email);
      await page.getByRole("button", { name: "Send the link" }).click();
      await expect(page.getByRole("heading", { name: "Look into your mail" })).toBeFocused();
      said.push(await page.getByRole("main").innerText());
      await expectAccessible(page);
    }
    expect(said[0]).toBe(said[1]);
    expect(said[0]).toContain("within an hour");

    await expect.poll(() => mailbox.mails.length, { timeout: 20_000 }).toBe(1);
    expect(mailbox.mails[0]!.to).toBe(PROVIDER.email);
    const link = /https:\/\/console\.example(\/password-reset#[\w-]+)/.exec(mailbox.mails[0]!.text)![1]!;
    await page.goto(service.url + link);
    await page.getByLabel("New password").fill("the provider's second password");
    await page.getByRole("button", { name: "Set password" }).click();
    await page.getByRole("link", { name: "To sign-in" }).click();
    await fillSignIn(page, PROVIDER);
    await expect(page.getByRole("alert").first()).toHaveText("The e-mail address or the password is not right.");
    await fillSignIn(page, { ...PROVIDER, password: "the provider's second password" });
    await expect(page).toHaveURL(`${service.url}/provider`);
    expect(mailbox.mails.map(({ to }) => to)).not.toContain("nobody@example.com");

    // Whoever invites somebody does not get the link: it is for who reads the mailbox.
    await page.goto(`${service.url}/settings/users`);
    await page.getByRole("button", { name: "Invite" }).click();
    await page.getByRole("dialog").getByLabel("E-mail").fill("hana@example.com");
    await page.getByRole("dialog").getByRole("button", { name: "Invite" }).click();
    await expect(page.getByText("The link was sent to hana@example.com.")).toBeVisible();
    await expect(page.getByRole("dialog")).toHaveCount(0);
    await expect.poll(() => mailbox.mails.at(-1)!.to, { timeout: 20_000 }).toBe("hana@example.com");
    expect(mailbox.mails.at(-1)!.text).toContain("https://console.example/invitation#");
  } finally {
    await service.stop();
    await mailbox.close();
  }
});

test("a service that sends no mail says whom to ask", async ({ page, workplace }) => {
  await page.goto(`${workplace.service.url}/forgot-password`);
  await page.getByLabel("E-mail").fill(ADMINISTRATOR.email);
  await page.getByRole("button", { name: "Send the link" }).click();
  await expect(page.getByRole("heading", { name: "This service sends no mail" })).toBeFocused();
  await expect(page.getByText("Ask an administrator of your account for a link")).toBeVisible();
  await expect(page.getByLabel("E-mail")).toHaveCount(0);
  await expectAccessible(page);
  await page.getByRole("link", { name: "To sign-in" }).click();
  await expect(page).toHaveURL(`${workplace.service.url}/sign-in`);
});

test("with the keyboard alone, in Japanese, at 360 px", async ({ page, workplace }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto(`${workplace.service.url}/sign-in`);
  await page.getByLabel("Language").selectOption("日本語");
  await tabTo(page, page.getByRole("link", { name: "パスワードをお忘れですか？" }));
  await page.keyboard.press("Enter");
  const email = page.getByLabel("メールアドレス");
  await tabTo(page, email);
  await page.keyboard.type(ADMINISTRATOR.email);
  await expectAccessible(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await page.route("**/password-resets", (route) => route.abort());
  await page.keyboard.press("Enter");
  // What was typed stays when it could not be sent.
  await expect(page.getByText("Stoplist に接続できません。")).toBeVisible();
  await expect(email).toHaveValue(ADMINISTRATOR.email);
  await page.unroute("**/password-resets");
  await tabTo(page, page.getByRole("button", { name: "リンクを送信" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "このサービスはメールを送信しません" })).toBeFocused();
  await expectAccessible(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
});
