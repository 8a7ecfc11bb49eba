import { expect, signIn, signInAsProvider, test } from "./workplace";

test("each page is named in the browser's tab, in the language chosen", async ({ page, workplace }) => {
  const { url } = workplace.service;
  for (const [path, title] of [
    ["/sign-in", "Sign in"],
    ["/forgot-password", "Forgot your password?"],
    ["/invitation#x", "You are invited to Stoplist"],
    ["/password-reset#x", "Set a new password"],
  ] as const) {
    await page.goto(url + path);
    await expect(page).toHaveTitle(`${title} · Stoplist`);
  }
  await signIn(page, workplace, "/blocked/list");
  for (const [section, title] of [
    ["/blocked/list", "Blocked list"],
    ["/blocked/stop-cancellation", "Stop cancellation"],
    ["/blocked/uploads", "Uploads"],
    ["/blocked/uploads/history", "Bulk changes"],
    ["/blocked/distributions", "Distributions"],
    ["/blocked/mail-servers", "Mail servers"],
    ["/blocked/address?address=taro%40example.com", "Mail address"],
    ["/delivery-report/overview", "Overview"],
    ["/delivery-report/error-log", "Error log"],
    ["/delivery-report/delivery-log", "Delivery log"],
  ] as const) {
    await page.goto(workplace.at(section));
    await expect(page).toHaveTitle(`${title} · Newsletter · Stoplist`);
  }
  for (const [path, title] of [
    ["/inquiries", "Inquiries"],
    ["/inquiries/new", "New inquiry"],
    ["/settings/account", "My account"],
    ["/settings/users", "Users"],
    ["/settings/tokens", "Tokens"],
    ["/settings/audit-log", "Audit log"],
    ["/no-such-page", "Page not found"],
  ] as const) {
    await page.goto(url + path);
    await expect(page).toHaveTitle(`${title} · Stoplist`);
  }
  await page.goto(workplace.at("/blocked/list"));
  await page.getByLabel("Language").selectOption("日本語");
  await expect(page).toHaveTitle("配信停止リスト · Newsletter · Stoplist");
  await page.getByRole("link", { name: "メールサーバー", exact: true }).click();
  await expect(page).toHaveTitle("メールサーバー · Newsletter · Stoplist");
  await page.getByLabel("言語").selectOption("English");
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveTitle("Sign in · Stoplist");
  await signInAsProvider(page, workplace, "/provider");
  await expect(page).toHaveTitle("Accounts · Stoplist");
});
