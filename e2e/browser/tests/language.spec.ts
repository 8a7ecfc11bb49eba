// Another language draws every page anew.
import { expect, signIn, test } from "./workplace";

test("what is being written stays in another language, until it is sent", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  await page.getByRole("link", { name: "Inquiries" }).click();
  await page.getByRole("link", { name: "New inquiry" }).click();
  await page.getByLabel("Subject").fill("A question");
  await page.getByLabel("Message").fill("About something that took long to write.");
  const language = page.locator("#language");
  await language.selectOption("ja");
  await expect(page.locator("html")).toHaveAttribute("lang", "ja");
  await expect(page.locator("#subject")).toHaveValue("A question");
  await expect(page.locator("#text")).toHaveValue("About something that took long to write.");
  await language.selectOption("en");
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "A question" })).toBeVisible();
  await page.getByRole("textbox", { name: "Message" }).fill("And more.");
  await language.selectOption("ja");
  await expect(page.locator("#text")).toHaveValue("And more.");
  await language.selectOption("en");
  await page.getByRole("link", { name: "Inquiries" }).first().click();
  await page.getByRole("link", { name: "New inquiry" }).click();
  await expect(page.getByLabel("Subject")).toHaveValue("");
});

test("what is typed in any form stays in another language, on its page only", async ({ page, workplace }) => {
  await page.goto(`${workplace.service.url}/sign-in`);
  await page.locator("#email").fill("somebody@example.com");
  await page.locator("#password").fill("half a pass");
  const language = page.locator("#language");
  await language.selectOption("ja");
  await expect(page.locator("html")).toHaveAttribute("lang", "ja");
  await expect(page.locator("#email")).toHaveValue("somebody@example.com");
  await expect(page.locator("#password")).toHaveValue("half a pass");
  await language.selectOption("en");
  await signIn(page, workplace, "/blocked/list");
  await page.getByRole("link", { name: "Settings" }).click();
  // Read from the service before it is drawn.
  await page.locator("#factor-password").fill("my password");
  await language.selectOption("ja");
  await expect(page.locator("#factor-password")).toHaveValue("my password");
  await page.locator("#factor-password").fill("");
  await page.locator("#new-password").fill("a longer one");
  await language.selectOption("en");
  await expect(page.locator("#new-password")).toHaveValue("a longer one");
  await expect(page.locator("#factor-password")).toHaveValue("");
  await page.getByRole("link", { name: "Users" }).click();
  await page.getByRole("link", { name: "My account" }).click();
  await expect(page.locator("#new-password")).toHaveValue("");
});

test("what another window changes the language of keeps what is ticked and typed in a dialog", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  await page.goto(`${workplace.service.url}/settings/tokens?dialog=new-token`);
  await page.locator("#token-name").fill("CRM");
  await page.locator("#token-limited").check();
  await page.locator("#token-days").selectOption("30");
  const other = await page.context().newPage();
  await other.goto(`${workplace.service.url}/settings/account`);
  await other.locator("#language").selectOption("ja");
  await expect(page.locator("html")).toHaveAttribute("lang", "ja");
  await expect(page.locator("#token-name")).toHaveValue("CRM");
  await expect(page.locator("#token-limited")).toBeChecked();
  await expect(page.locator("#token-days")).toHaveValue("30");
});

const QR = '<svg xmlns="http://www.w3.org/2000/svg"/>';

test("recovery codes stay in another language, until they are put away", async ({ page, workplace }) => {
  // What the service answers to who sets up an app: people.spec.ts has a real one.
  const answers = { secret: "JBSWY3DPEHPK3PXP", otpauth_uri: "otpauth://totp/Stoplist:keiko?secret=JBSWY3DPEHPK3PXP", qr_code: QR };
  await page.route("**/api/v1/me/second-factor", (route) =>
    route.request().method() === "POST" ? route.fulfill({ status: 201, json: answers }) : route.continue(),
  );
  await page.route("**/api/v1/me/second-factor/confirm", (route) =>
    route.fulfill({ json: { recovery_codes: ["abcde-fghij", "klmno-pqrst"] } }),
  );
  await signIn(page, workplace, "/blocked/list");
  await page.getByRole("link", { name: "Settings" }).click();
  await page.locator("#factor-password").fill("my password");
  await page.locator("#factor-password").press("Enter");
  await page.locator("#factor-code").fill("123456");
  await page.locator("#factor-code").press("Enter");
  await expect(page.getByText("klmno-pqrst")).toBeVisible();
  await page.locator("#language").selectOption("ja");
  await expect(page.locator("html")).toHaveAttribute("lang", "ja");
  await expect(page.getByText("klmno-pqrst")).toBeVisible();
  await page.locator("#language").selectOption("en");
  await page.getByRole("button", { name: "Done" }).click();
  await expect(page.getByText("klmno-pqrst")).toHaveCount(0);
});
