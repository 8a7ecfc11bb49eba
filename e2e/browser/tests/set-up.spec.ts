import { expect, test } from "@playwright/test";
import { startService, type Service } from "./service";
import { ADMINISTRATOR, expectAccessible, PROVIDER } from "./workplace";

let service: Service;
test.beforeAll(async () => {
  service = await startService({});
});
test.afterAll(() => service.stop());

test("from the set-up code to a server configuration inside an account", async ({ page }) => {
  await page.goto(service.url);
  await expect(page).toHaveURL(`${service.url}/set-up`);
  await expect(page.getByLabel("Set-up code")).toBeVisible();

  await page.getByLabel("Set-up code").fill("WRON-GCOD-E000");
  await page.getByLabel("E-mail").fill(PROVIDER.email);
  await page.getByLabel("Password").fill(PROVIDER.password);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("alert").first()).not.toBeEmpty();
  await page.getByLabel("Set-up code").fill(service.setupCode!);
  await page.getByRole("button", { name: "Create account" }).click();

  await expect(page).toHaveURL(`${service.url}/provider`);
  await expect(page.getByText("No account yet")).toBeVisible();
  await page.getByRole("button", { name: "New account" }).click();
  const dialog = page.getByRole("dialog", { name: "New account" });
  await dialog.getByLabel("Account name").fill("Example Mail");
  await dialog.getByLabel("Administrator's e-mail").fill(ADMINISTRATOR.email);
  await dialog.getByLabel("Administrator's password").fill("short");
  await expectAccessible(page);
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(dialog.getByLabel("Administrator's password")).toHaveAttribute("aria-invalid", "true");
  await dialog.getByLabel("Administrator's password").fill(ADMINISTRATOR.password);
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(dialog).toBeHidden();
  await expectAccessible(page);

  await page.getByRole("button", { name: "Features: Example Mail" }).click();
  const features = page.getByRole("dialog", { name: "Features" });
  await expect(features.getByLabel("Keep delivery events (days)")).toHaveValue("90");
  await features.getByLabel("Allow downloads").check();
  await features.getByLabel("Keep delivery events (days)").fill("0");
  await expectAccessible(page);
  await features.getByRole("button", { name: "Save" }).click();
  await expect(features.getByLabel("Keep delivery events (days)")).toHaveAttribute("aria-invalid", "true");
  await features.getByLabel("Keep delivery events (days)").fill("30");
  await features.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("row", { name: /Example Mail/ })).toContainText("Enabled");

  await page.getByRole("button", { name: "Open: Example Mail" }).click();
  await expect(page.getByText("You are in the account Example Mail as its provider")).toBeVisible();
  await page.getByRole("main").getByRole("button", { name: "New server configuration" }).click();
  const configuration = page.getByRole("dialog", { name: "New server configuration" });
  await configuration.getByLabel("Name").fill("Newsletter");
  await configuration.getByLabel("Time zone").fill("Asia/Nowhere");
  await configuration.getByRole("button", { name: "Create" }).click();
  await expect(configuration.getByLabel("Time zone")).toHaveAttribute("aria-invalid", "true");
  await expectAccessible(page);
  await configuration.getByLabel("Time zone").fill("Asia/Tokyo");
  await configuration.getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Newsletter" })).toBeVisible();
  await expect(page.getByText("No address is blocked")).toBeVisible();
  await expectAccessible(page);

  await page.getByRole("button", { name: "Leave the account" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Accounts" })).toBeVisible();
});
