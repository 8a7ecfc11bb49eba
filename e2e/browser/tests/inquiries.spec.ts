// Inquiries, as both sides see them.
import type { Page } from "@playwright/test";
import { hold } from "./waiting";
import {
  elsewhere, expect, expectAccessible, json, signIn, signInAsProvider, tabTo, test, type Workplace,
} from "./workplace";

/** The link in the navigation; `Unread` is the name of its mark. */
const tab = (page: Page) => page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: /Inquiries/ });
const messages = (page: Page) => page.getByRole("list", { name: "Messages" }).getByRole("listitem");

async function expectUnread(page: Page, unread: boolean): Promise<void> {
  await expect(tab(page).getByRole("img", { name: "Unread" })).toHaveCount(unread ? 1 : 0);
}

async function inquire(workplace: Workplace, subject: string, category = "other"): Promise<string> {
  const text = `About: ${subject}`;
  return (await json(workplace.account("POST", "/inquiries", { category, subject, text }))).inquiry.id;
}

test("a user asks for downloads, the provider enables them in one click, and both see it at once", async ({
  page, browser, workplace,
}) => {
  await signIn(page, workplace, "/blocked/list");
  await expectUnread(page, false);
  const download = page.getByRole("main").getByRole("button", { name: "Download" });
  await download.click();
  const dialog = page.getByRole("dialog", { name: "Download as CSV" });
  await dialog.getByRole("link", { name: "Ask for downloads" }).click();
  const form = `${workplace.service.url}/inquiries/new?category=enable_download`;
  await expect(page).toHaveURL(form);
  await page.reload();
  await expect(page).toHaveURL(form);
  await expect(page.getByLabel("About")).toHaveValue("enable_download");
  await expect(page.getByLabel("Subject")).toHaveValue("Enable downloads");
  await expectAccessible(page);
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page).toHaveURL(/\/inquiries\/[0-9a-f-]{36}$/);
  await expect(page.getByRole("heading", { level: 1, name: "Enable downloads" })).toBeVisible();
  await expect(messages(page)).toHaveText([/keiko@example\.com.*Please enable downloads for our account\./]);
  await expect(page.getByText("Open", { exact: true })).toBeVisible();
  await page.getByRole("link", { name: "Blocked", exact: true }).click();
  await expect(page).toHaveURL(workplace.at("/blocked/list"));

  await elsewhere(browser, async (theirs) => {
    await signInAsProvider(theirs, workplace, "/provider");
    await expectUnread(theirs, true);
    await tab(theirs).click();
    const row = theirs.getByRole("row", { name: /Enable downloads/ });
    await expect(row).toContainText("Example Mail");
    await expect(row.getByRole("img", { name: "Unread" })).toBeVisible();
    await expectAccessible(theirs);
    await row.getByRole("link").click();
    await expectUnread(theirs, false);
    await expect(theirs.getByText("Downloads are disabled for this account")).toBeVisible();
    await expectAccessible(theirs);
    await theirs.getByRole("button", { name: "Enable downloads" }).click();
    await expect(messages(theirs).last()).toContainText("Downloads are now enabled for this account.");
    await expect(messages(theirs).last().getByText("Downloads enabled", { exact: true })).toBeVisible();
    await expect(theirs.getByText("Answered", { exact: true })).toBeVisible();
    await expect(theirs.getByRole("button", { name: "Enable downloads" })).toHaveCount(0);
    await expect(theirs.getByRole("heading", { level: 1 })).toBeFocused();
    await expectAccessible(theirs);
    await theirs.getByRole("link", { name: "Accounts" }).click();
    await expect(theirs.getByRole("row", { name: /Example Mail/ })).toContainText("Enabled");
  });

  // Nothing was reloaded here.
  await expectUnread(page, true);
  await tab(page).click();
  const row = page.getByRole("row", { name: /Enable downloads/ });
  await expect(row).toContainText("Answered");
  await expect(row.getByRole("img", { name: "Unread" })).toBeVisible();
  await expectAccessible(page);
  await row.getByRole("link").click();
  await expect(messages(page).last()).toContainText("Provider");
  await expectUnread(page, false);
  await page.getByLabel("Language").selectOption("日本語");
  await expect(page.getByText("このアカウントでダウンロードを利用できるようになりました。")).toBeVisible();
  await page.getByLabel("言語").selectOption("English");
  await page.getByRole("link", { name: "Blocked", exact: true }).click();
  await download.click();
  await expect(dialog.getByText("No filter is set: the whole list.")).toBeVisible();
});

test("what is written arrives by itself, and takes nothing that is being written away", async ({ page, workplace }) => {
  const id = await inquire(workplace, "Why is taro blocked?");
  await signIn(page, workplace, "/blocked/list");
  await page.goto(`${workplace.service.url}/inquiries/${id}`);
  const text = page.getByLabel("Message", { exact: true });
  await text.fill("A draft");
  await json(workplace.provider("POST", `/inquiries/${id}/messages`, { text: "Let me see.\nSecond line" }));
  await expect(messages(page)).toHaveCount(2);
  // Its lines stay lines.
  expect(await messages(page).last().locator("p").innerText()).toBe("Let me see.\nSecond line");
  await expect(page.getByText("Answered", { exact: true })).toBeVisible();
  // It was looked at.
  await expect.poll(async () => (await json(workplace.account("GET", `/inquiries/${id}`))).inquiry.unread).toBe(false);
  await expect(text).toHaveValue("A draft");
  await page.getByRole("button", { name: "Send" }).click();
  await expect(messages(page)).toHaveCount(3);
  await expect(text).toHaveValue("");
  await expect(page.getByText("Open", { exact: true })).toBeVisible();

  await page.getByRole("button", { name: "Close inquiry" }).click();
  await expect(page.getByText("Closed", { exact: true })).toBeVisible();
  await expect(page.getByText("A further message opens it again.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Close inquiry" })).toHaveCount(0);
  await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
  await expectAccessible(page);
  await text.fill("   ");
  await page.getByRole("button", { name: "Send" }).click();
  await expect(text).toHaveAttribute("aria-invalid", "true");
  await expectAccessible(page);
  await text.fill("One more question");
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByText("Open", { exact: true })).toBeVisible();
  await expect(text).not.toHaveAttribute("aria-invalid", "true");
  expect((await json(workplace.account("GET", `/inquiries/${id}`))).inquiry).toMatchObject({ state: "open", messages: 4 });
});

test("what is written while a message is on its way stays", async ({ page, workplace }) => {
  const id = await inquire(workplace, "A question");
  await signIn(page, workplace, "/blocked/list");
  await page.goto(`${workplace.service.url}/inquiries/${id}`);
  const [text, path] = [page.getByLabel("Message", { exact: true }), `**/inquiries/${id}/messages`];
  const letGo = await hold(page, path);
  await text.fill("The first");
  const sending = page.waitForRequest(path);
  await page.getByRole("button", { name: "Send" }).click();
  await sending;
  await text.fill("The second");
  letGo();
  await expect(page.getByText("Sent.", { exact: true })).toBeVisible();
  await expect(messages(page)).toHaveText([/About: A question/, /The first/]);
  await expect(text).toHaveValue("The second");
});

test("the request for downloads is the beginning of no other inquiry", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  await page.getByRole("main").getByRole("button", { name: "Download" }).click();
  await page.getByRole("link", { name: "Ask for downloads" }).click();
  const [about, subject, text] = [page.getByLabel("About"), page.getByLabel("Subject"), page.getByLabel("Message")];
  const expectFields = async (...values: string[]) => {
    for (const [at, field] of [about, subject, text].entries()) await expect(field).toHaveValue(values[at]!);
  };
  const begin = async () => {
    await tab(page).click();
    await page.getByRole("link", { name: "New inquiry" }).click();
  };
  const request = ["Enable downloads", "Please enable downloads for our account."] as const;
  await expectFields("enable_download", ...request);
  await begin();
  await expectFields("other", "", "");

  // It comes and goes with what it is about.
  await about.selectOption("enable_download");
  await expectFields("enable_download", ...request);
  await about.selectOption("release");
  await expectFields("release", "", "");
  await about.selectOption("enable_download");
  await text.fill("Downloads, please.");
  await about.selectOption("release");
  await expectFields("release", "", "Downloads, please.");

  // What somebody wrote waits where it was written.
  await begin();
  await expectFields("other", "", "");
  await about.selectOption("release");
  await expectFields("release", "", "Downloads, please.");
});

test("what lies in a window that nobody looks at stays unread", async ({ page, workplace }) => {
  await page.addInitScript(() => {
    let hidden = true;
    Object.defineProperty(document, "hidden", { get: () => hidden });
    document.addEventListener("shown", () => {
      hidden = false;
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    });
  });
  const id = await inquire(workplace, "A question");
  await json(workplace.provider("POST", `/inquiries/${id}/messages`, { text: "The answer" }));
  const unread = async () => (await json(workplace.account("GET", `/inquiries/${id}`))).inquiry.unread;
  await signIn(page, workplace, "/blocked/list");
  await page.goto(`${workplace.service.url}/inquiries/${id}`);
  await expect(messages(page)).toHaveCount(2);
  await json(workplace.provider("POST", `/inquiries/${id}/messages`, { text: "One more thing" }));
  await expect(messages(page)).toHaveCount(3);
  await expectUnread(page, true);
  expect(await unread()).toBe(true);
  await page.evaluate(() => document.dispatchEvent(new Event("shown")));
  await expectUnread(page, false);
  expect(await unread()).toBe(false);
});

test("the list is filtered by state, goes on over pages, and both are in the URL", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  await tab(page).click();
  await expect(page.getByText("No inquiry yet")).toBeVisible();
  await expectAccessible(page);
  for (let number = 1; number <= 51; number++) await inquire(workplace, `Question ${number}`);
  const { items } = await json(workplace.account("GET", "/inquiries?limit=2"));
  await json(workplace.account("POST", `/inquiries/${items[0].id}/close`));
  await json(workplace.provider("POST", `/inquiries/${items[1].id}/messages`, { text: "Yes" }));
  // What was answered last stands first, by itself.
  await expect(page.getByRole("row").nth(1)).toContainText("Question 50");
  await expect(page.getByRole("row")).toHaveCount(51);
  await page.getByRole("button", { name: "Next page" }).click();
  await expect(page.getByRole("row")).toHaveCount(2);
  await expect(page.getByRole("cell", { name: "Question 1", exact: true })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("row")).toHaveCount(2);
  await page.getByRole("button", { name: "First page" }).click();
  await expect(page.getByRole("row")).toHaveCount(51);

  for (const [state, subject] of [["Answered", "Question 50"], ["Closed", "Question 51"]] as const) {
    await page.getByLabel("State").selectOption(state);
    await expect(page).toHaveURL(`${workplace.service.url}/inquiries?state=${state.toLowerCase()}`);
    await expect(page.getByRole("row")).toHaveCount(2);
    await page.reload();
    await expect(page.getByLabel("State")).toHaveValue(state.toLowerCase());
    await expect(page.getByRole("row").nth(1)).toContainText(subject);
  }
  await page.getByLabel("State").selectOption("All");
  await expect(page.getByRole("row")).toHaveCount(51);
});

test("an address that leads nowhere, and a list that cannot be read, say so", async ({ page, workplace }) => {
  await signIn(page, workplace, "/blocked/list");
  for (const id of ["00000000-0000-4000-8000-000000000000", "nonsense"]) {
    await page.goto(`${workplace.service.url}/inquiries/${id}`);
    await expect(page.getByText("This inquiry does not exist")).toBeVisible();
    await expect(page.getByLabel("Message", { exact: true })).toHaveCount(0);
  }
  await expectAccessible(page);
  const failed = { type: "/problems/internal", title: "Internal error", status: 500, detail: "out of order" };
  let refuse = true;
  await page.route(/\/inquiries(\?.*)?$/, (route) =>
    refuse && route.request().resourceType() === "fetch"
      ? route.fulfill({ status: 500, contentType: "application/problem+json", body: JSON.stringify(failed) })
      : route.continue(),
  );
  await page.getByRole("main").getByRole("link", { name: "Inquiries" }).click();
  await expect(page.getByText("Something failed inside the service.")).toBeVisible();
  await expectAccessible(page);
  refuse = false;
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByText("No inquiry yet")).toBeVisible();
});

test("a provider inside an account is told on every page, reads its inquiries and writes none", async ({
  page, workplace,
}) => {
  const id = await inquire(workplace, "Something else");
  await json(workplace.provider("POST", `/inquiries/${id}/messages`, { text: "Which one?" }));
  const asked: string[] = [];
  page.on("request", (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
  await signInAsProvider(page, workplace, "/provider");
  await page.getByRole("button", { name: "Open: Example Mail" }).click();
  const banner = page.getByText("You are in the account Example Mail as its provider");
  await expect(banner).toBeVisible();
  await expectAccessible(page);
  for (const path of ["/inquiries", "/settings/account", "/settings/users", "/settings/tokens"]) {
    await page.goto(workplace.service.url + path);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(banner).toBeVisible();
  }
  for (const section of ["/blocked/list", "/delivery-report/error-log"]) {
    await page.goto(workplace.at(section));
    await expect(page.getByRole("heading", { level: 1, name: "Newsletter" })).toBeVisible();
    await expect(banner).toBeVisible();
  }
  // What the account has not read is not the provider's to read.
  await expectUnread(page, false);
  await tab(page).click();
  await expect(page.getByRole("row", { name: /Something else/ })).toBeVisible();
  await expect(page.getByRole("link", { name: "New inquiry" })).toHaveCount(0);
  await page.getByRole("row", { name: /Something else/ }).getByRole("link").click();
  await expect(messages(page)).toHaveCount(2);
  await expect(page.getByText("Leave it to answer its inquiries.")).toBeVisible();
  await expect(page.getByRole("button", { name: /Send|Close inquiry/ })).toHaveCount(0);
  await expectAccessible(page);
  await page.goto(`${workplace.service.url}/inquiries/new`);
  await expect(page.getByText("Leave it to answer its inquiries.")).toBeVisible();
  await expect(page.getByLabel("Subject")).toHaveCount(0);
  await expectAccessible(page);
  await page.getByRole("button", { name: "Leave the account" }).click();
  await expect(page).toHaveURL(`${workplace.service.url}/provider`);
  await expect(banner).toHaveCount(0);
  // Nothing was marked as read in the account's name.
  expect(asked.filter((call) => call.startsWith("POST") && call.includes(`/api/v1/inquiries/${id}/`))).toEqual([]);

  await tab(page).click();
  await page.getByLabel("State").selectOption("Answered");
  await page.getByRole("row", { name: /Something else/ }).getByRole("link").click();
  await page.getByLabel("Answer").fill("We look into it.");
  await page.getByRole("button", { name: "Send" }).click();
  await expect(messages(page)).toHaveCount(3);
  await page.getByRole("button", { name: "Close inquiry" }).click();
  await expect(page.getByText("Closed", { exact: true })).toBeVisible();
  expect((await json(workplace.account("GET", `/inquiries/${id}`))).inquiry).toMatchObject({ state: "closed", messages: 3 });
});

test("with the keyboard alone, in Japanese, at 360 px", async ({ page, workplace }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await signIn(page, workplace, "/blocked/list");
  await page.getByLabel("Language").selectOption("日本語");
  const fits = async () => {
    await expectAccessible(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  };
  await tabTo(page, page.getByRole("link", { name: "お問い合わせ" }));
  await page.keyboard.press("Enter");
  await expect(page.getByText("お問い合わせはまだありません")).toBeVisible();
  await fits();
  await tabTo(page, page.getByRole("link", { name: "新しいお問い合わせ" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "新しいお問い合わせ" })).toBeVisible();
  await fits();
  await tabTo(page, page.getByLabel("件名"));
  await page.keyboard.type("長い件名".repeat(40));
  await page.keyboard.press("Tab");
  await page.keyboard.type("改行なしの長い文章".repeat(20));
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("list", { name: "メッセージ" }).getByRole("listitem")).toHaveCount(1);
  await expect(page.getByText("受付中", { exact: true })).toBeVisible();
  await fits();
  await tabTo(page, page.getByRole("button", { name: "お問い合わせを完了" }));
  await page.keyboard.press("Enter");
  await expect(page.getByText("完了", { exact: true })).toBeVisible();
  await tabTo(page, page.getByRole("main").getByRole("link", { name: "お問い合わせ" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("row", { name: /長い件名/ })).toBeVisible();
  await fits();
});
