// What the service refuses is said in the console's own words, in the language of the console.
import type { Page } from "@playwright/test";
import { ADMINISTRATOR, elsewhere, expect, expectAccessible, json, signIn, signInAsProvider, test } from "./workplace";

const LANGUAGES = {
  English: {
    wrongSignIn: "The e-mail address or the password is not right.",
    tooOften: "Too many tries. Wait 2 minutes, then try again.",
    wrongPassword: "This is not your present password.",
    tooShort: "Use at least 15 characters.",
    guessable: "This password is among the first that are guessed. Choose some words that do not belong together.",
    personal: "A password must not be made of your address or the service's name. Choose another one.",
    wrongName: "This is not the account's name.",
    nameTaken: "This name is taken. Choose another one.",
    close: "Close the account…",
    usedLink: "This link does not work",
    usedLinkText: "It was used already, was taken back, or has expired. Ask for a new one.",
    usedMeanwhile: "This link was used already. Sign in, or ask for a new one.",
  },
  日本語: {
    wrongSignIn: "メールアドレスまたはパスワードが正しくありません。",
    tooOften: "試行回数が多すぎます。2 分ほど待ってから、もう一度お試しください。",
    wrongPassword: "現在のパスワードが正しくありません。",
    tooShort: "15 文字以上で入力してください。",
    guessable: "このパスワードは推測されやすいため使えません。関連のない単語をいくつか組み合わせてください。",
    personal: "メールアドレスやサービス名をもとにしたパスワードは使えません。別のパスワードを入力してください。",
    wrongName: "アカウント名が一致しません。",
    nameTaken: "この名前はすでに使われています。別の名前を入力してください。",
    close: "アカウントを閉鎖…",
    usedLink: "このリンクは使えません",
    usedLinkText: "使用済みか、取り消されたか、期限が切れています。新しいリンクを依頼してください。",
    usedMeanwhile: "このリンクは使用済みです。サインインするか、新しいリンクを依頼してください。",
  },
};

/** What the form says as a whole. */
const summary = (page: Page) => page.getByRole("alert").first();
const send = (page: Page) => page.locator("form button[type=submit]").click();

for (const [language, words] of Object.entries(LANGUAGES)) {
  const speak = (page: Page) => page.getByLabel(/^(Language|言語)$/).selectOption(language);

  test(`${language}: a wrong password, and too many of them`, async ({ page, workplace }) => {
    await page.goto(`${workplace.service.url}/sign-in`);
    await speak(page);
    for (const email of [ADMINISTRATOR.email, "nobody@example.com"]) {
      await page.locator("#email").fill(email);
      await page.locator("#password").fill("not the right password");
      await send(page);
      await expect(summary(page)).toHaveText(words.wrongSignIn);
    }
    await expectAccessible(page);
    await page.route("**/api/v1/sessions", (route) => route.fulfill({ status: 429, headers: { "Retry-After": "120" } }));
    await send(page);
    await expect(summary(page)).toHaveText(words.tooOften);
  });

  test(`${language}: passwords that cannot be chosen`, async ({ page, workplace }) => {
    await signIn(page, workplace, "/blocked/list");
    await speak(page);
    await page.goto(`${workplace.service.url}/settings/account`);
    const choose = async (present: string, next: string) => {
      await page.locator("#present-password").fill(present);
      await page.locator("#new-password").fill(next);
      await page.locator("form", { has: page.locator("#new-password") }).locator("button[type=submit]").click();
    };
    const [present, next] = [page.locator("#present-password-error"), page.locator("#new-password-error")];
    await choose(ADMINISTRATOR.password, "too short");
    await expect(next).toHaveText(words.tooShort);
    await expectAccessible(page);
    await choose(ADMINISTRATOR.password, "manchesterunited");
    await expect(next).toHaveText(words.guessable);
    await choose(ADMINISTRATOR.password, `${ADMINISTRATOR.email} stop`);
    await expect(next).toHaveText(words.personal);
    await choose("not the right password", "a very long and unknown sentence");
    await expect(present).toHaveText(words.wrongPassword);
    await expect(next).toHaveCount(0);
  });

  test(`${language}: an account's name that is taken, or not the right one`, async ({ page, workplace }) => {
    await workplace.changeAccount({ suspended: true });
    const { items: [account] } = await json(workplace.provider("GET", "/accounts"));
    await signInAsProvider(page, workplace, "/provider");
    await speak(page);
    await page.getByRole("button", { name: /^(New account|アカウントを追加)$/ }).click();
    await page.locator("#account-name").fill(account.name);
    await page.locator("#administrator-email").fill("somebody@example.com");
    await page.locator("#administrator-password").fill("a very long and unknown sentence");
    await send(page);
    await expect(page.getByRole("dialog").getByRole("alert").first()).toHaveText(words.nameTaken);
    await expectAccessible(page);

    await page.goto(`${workplace.service.url}/provider/accounts/${account.id}`);
    await page.getByRole("button", { name: words.close }).click();
    await page.locator("#close-name").fill("Another Account");
    await send(page);
    await expect(page.locator("#close-name-error")).toHaveText(words.wrongName);
    await expectAccessible(page);
  });

  test(`${language}: a link that was used`, async ({ page, browser, workplace }) => {
    const email = "hana@example.com";
    const { link } = await json(workplace.account("POST", "/invitations", { email, role: "viewer" }));
    const address = workplace.service.url + link;
    const password = "a new user's own password";
    await page.goto(address);
    await speak(page);
    await expect(page.locator("#password")).toBeVisible();
    await json(workplace.account("POST", "/invitations/accept", { secret: link.split("#")[1], password }));
    await page.locator("#password").fill(password);
    await send(page);
    await expect(summary(page)).toHaveText(words.usedMeanwhile);
    await expectAccessible(page);
    await page.reload();
    await expect(page.getByText(words.usedLink, { exact: true })).toBeVisible();
    await expect(page.getByText(words.usedLinkText, { exact: true })).toBeVisible();
    // Not to be reached is another thing than to be used up.
    await elsewhere(browser, async (other) => {
      await other.route("**/invitations/preview", (route) => route.fulfill({ status: 503 }), { times: 1 });
      await other.goto(address);
      await other.getByRole("button", { name: "Try again" }).click();
      await expect(other.getByText("This link does not work")).toBeVisible();
    });
  });
}
