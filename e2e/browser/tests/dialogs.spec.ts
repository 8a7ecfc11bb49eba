// In Japanese, at 360 px: what the other tests open in English is accessible and fits, from the set-up to a registration.
import type { Locator, Page } from "@playwright/test";
import { startService } from "./service";
import { ADMINISTRATOR, PROVIDER, expect, expectAccessible, json, runNow, test } from "./workplace";

test.use({ locale: "ja-JP", viewport: { width: 360, height: 740 } });

const button = (inside: Page | Locator, name: string) => inside.getByRole("button", { name, exact: true });

async function expectFits(page: Page, dialog?: Locator): Promise<void> {
  await expectAccessible(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  if (dialog) expect(await dialog.evaluate((element) => element.scrollWidth)).toBeLessThanOrEqual(360);
}

async function signIn(page: Page, url: string, who = ADMINISTRATOR): Promise<void> {
  await page.goto(url);
  await page.getByLabel("メールアドレス").fill(who.email);
  await page.getByLabel("パスワード").fill(who.password);
  await button(page, "サインイン").click();
}

test("the set-up, the first account and what it may use", async ({ page }) => {
  const service = await startService({});
  try {
    await page.goto(service.url);
    await expect(page.getByRole("heading", { level: 1, name: "Stoplist の初期設定" })).toBeVisible();
    await expectFits(page);
    await page.getByLabel("初期設定コード").fill(service.setupCode!);
    await page.getByLabel("メールアドレス").fill(PROVIDER.email);
    await page.getByLabel("パスワード").fill(PROVIDER.password);
    await button(page, "アカウントを作成").click();
    await expect(page.getByText("アカウントがありません")).toBeVisible();
    await expectFits(page);
    await button(page, "アカウントを追加").click();
    const adding = page.getByRole("dialog", { name: "アカウントを追加" });
    await adding.getByLabel("アカウント名").fill("サンプル株式会社");
    await adding.getByLabel("管理者のメールアドレス").fill(ADMINISTRATOR.email);
    await adding.getByLabel("管理者のパスワード").fill(ADMINISTRATOR.password);
    await expectFits(page, adding);
    await button(adding, "作成").click();
    await button(page, "機能: サンプル株式会社").click();
    const features = page.getByRole("dialog", { name: "機能" });
    await expect(features.getByLabel("ダウンロードを許可")).toBeVisible();
    await expectFits(page, features);
  } finally {
    await service.stop();
  }
});

test("a mail server is added and connected", async ({ page, workplace }) => {
  await signIn(page, workplace.at("/blocked/mail-servers"));
  await button(page.getByRole("main"), "メールサーバーを追加").click();
  const adding = page.getByRole("dialog", { name: "メールサーバーを追加" });
  await adding.getByLabel("名前").fill("mx1.tokyo.example.co.jp");
  await expectFits(page, adding);
  await button(adding, "メールサーバーを追加").click();
  const dialog = page.getByRole("dialog", { name: "エージェントの接続" });
  const token = await dialog.getByRole("group", { name: "トークン", exact: true }).innerText();
  await expect(dialog.getByText("最初の接続を待っています")).toBeVisible();
  await expectFits(page, dialog);
  await fetch(`${workplace.service.url}/api/v1/agent`, { headers: { Authorization: `Bearer ${token}` } });
  await expect(dialog.getByText("エージェントが接続しました。")).toBeVisible();
  await expectFits(page, dialog);
});

test("somebody is invited, and gets a link", async ({ page, workplace }) => {
  await signIn(page, `${workplace.service.url}/settings/users`);
  await button(page, "招待").click();
  const inviting = page.getByRole("dialog", { name: "ユーザーを招待" });
  await inviting.getByLabel("メールアドレス").fill("hana@example.com");
  await expectFits(page, inviting);
  await button(inviting, "招待").click();
  const made = page.getByRole("dialog", { name: "リンク" });
  await expect(made.getByRole("group", { name: "リンク" })).toContainText("/invitation#");
  await expectFits(page, made);
});

test("run settings ask for the delivery timing", async ({ page, workplace }) => {
  await signIn(page, workplace.at("/blocked/list"));
  await button(page, "実行設定").click();
  const dialog = page.getByRole("dialog", { name: "実行設定" });
  await button(dialog, "保存").click();
  const timing = page.getByRole("dialog", { name: "配布のタイミング" });
  await expect(timing.getByLabel("今すぐ")).toBeVisible();
  await expectFits(page, timing);
});

test("a registration with exempt addresses", async ({ page, workplace }) => {
  await runNow(workplace);
  await json(workplace.call("POST", "/releases", { addresses: ["jiro@example.org"] }));
  const id = await workplace.upload("mail\njiro@example.org\nnew@example.com\n");
  await signIn(page, workplace.at(`/blocked/uploads/${id}`));
  await button(page, "登録").click();
  const dialog = page.getByRole("dialog", { name: "配信停止リストに登録" });
  await expect(dialog.getByLabel("停止解除リストのアドレスも停止する")).toBeVisible();
  await expect(dialog.getByText(/次回の実行タイミング: .*\d{4}/)).toBeVisible();
  await expectFits(page, dialog);
});
