// Addresses and names that are longer than a telephone is wide.
import type { Locator, Page } from "@playwright/test";
import { hold } from "./waiting";
import { ADMINISTRATOR, expect, expectAccessible, json, runNow, signIn, signInAsProvider, test, type Workplace } from "./workplace";

test.use({ viewport: { width: 360, height: 740 } });

const ADDRESS = `${"verylong".repeat(8)}@${"domain".repeat(10)}.example.com`;
const NAME = "name".repeat(24);

/** Nothing in it reaches over its edge, or over that of the page. */
async function expectFits(part: Locator): Promise<void> {
  const over = await part.evaluate((element) => {
    const content = document.createRange();
    content.selectNodeContents(element);
    const edge = Math.min(element.getBoundingClientRect().right, document.documentElement.clientWidth);
    return content.getBoundingClientRect().right - edge;
  });
  expect(over).toBeLessThan(1);
}

async function block(workplace: Workplace): Promise<void> {
  const event = { id: "long", address: ADDRESS, outcome: "error", reason: "unknown_user" };
  await json(workplace.call("POST", "/delivery-events", [{ ...event, occurred_at: new Date().toISOString() }]));
  await runNow(workplace);
}

/** Opens a dialog that asks about `name`; it fits. */
async function ask(page: Page, button: string, name: string): Promise<Locator> {
  await page.getByRole("button", { name: `${button}: ${name}`, exact: true }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByRole("heading", { name })).toBeVisible();
  await expectFits(dialog);
  return dialog;
}

test("questions about them and what is said afterwards fit", async ({ page, workplace }) => {
  await block(workplace);
  await json(workplace.call("POST", "/mail-servers", { name: NAME }));
  await json(workplace.account("POST", "/invitations", { email: ADDRESS, role: "viewer" }));
  await signIn(page, workplace, "/blocked/list");
  const releasing = await ask(page, "Release", ADDRESS);
  await expectAccessible(page);
  await releasing.getByRole("button", { name: "Release" }).click();
  await expect(page.getByText(`${ADDRESS} is released.`)).toBeVisible();
  await expectFits(page.locator(".toasts"));

  for (const [address, button, name] of [
    [workplace.at("/blocked/stop-cancellation"), "Delete", ADDRESS],
    [workplace.at("/blocked/mail-servers"), "Deactivate", NAME],
    [workplace.at("/blocked/mail-servers"), "New token", NAME],
    [`${workplace.service.url}/settings/users`, "Withdraw", ADDRESS],
  ] as const) {
    await page.goto(address);
    await ask(page, button, name);
  }
});

test("the banner of an account fits", async ({ page, workplace }) => {
  const { password } = ADMINISTRATOR;
  const other = { name: NAME, plan: "professional", administrator_email: "other@example.net", administrator_password: password };
  await json(workplace.provider("POST", "/accounts", other));
  await signInAsProvider(page, workplace, "/provider");
  await page.getByRole("button", { name: `Open: ${NAME}` }).click();
  const banner = page.locator(".banner", { hasText: NAME });
  await expect(banner).toBeVisible();
  await expectFits(banner);
  await expectAccessible(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
});

test.describe("on the Standard plan", () => {
  test.use({ plan: "standard" });

  test("the answer to a request fits, and leaves what is written meanwhile", async ({ page, workplace }) => {
    await block(workplace);
    await signIn(page, workplace, "/blocked/list");
    const [address, comment] = [page.getByLabel("Mail address"), page.getByLabel("Comment")];
    const letGo = await hold(page, "**/releases");
    await address.fill(ADDRESS);
    await comment.fill("They wrote to us");
    const sending = page.waitForRequest("**/releases");
    await page.getByRole("button", { name: "Delete" }).click();
    await sending;
    await address.fill("taro@example.com");
    letGo();
    await expect(page.getByText(`${ADDRESS} is released.`)).toBeVisible();
    await expect(address).toHaveValue("taro@example.com");
    await expect(comment).toHaveValue("");
    await expectAccessible(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  });
});
