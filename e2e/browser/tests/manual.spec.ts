// Every flow of the manual "Delivery Blocking", step by step as it is written there: in English with the mouse, in Japanese
// with the keyboard alone. The chapters are in the manual's order.
import { readFile } from "node:fs/promises";
import type { Browser, Locator, Page } from "@playwright/test";
import { csv } from "./files";
import { keyboard, mouse, type Hand } from "./hands";
import { LANGUAGES, type Words } from "./manual";
import { ADMINISTRATOR, PROVIDER, expect, json, runNow, test, type Workplace } from "./workplace";

/** Somebody at the console, and what they read there. */
interface Reader {
  page: Page;
  words: Words;
  hand: Hand;
  workplace: Workplace;
}

const tab = ({ page, words }: Reader, name: string) =>
  page.getByRole("navigation", { name: words.main }).getByRole("link", { name, exact: true });
const section = ({ page, words }: Reader, name: string) =>
  page.getByRole("navigation", { name: words.sections }).getByRole("link", { name, exact: true });
const button = (inside: Page | Locator, name: string) => inside.getByRole("button", { name, exact: true });
const rows = ({ page }: Reader) => page.getByRole("main").getByRole("row");
const cell = ({ page }: Reader, name: string) => page.getByRole("cell", { name, exact: true });

async function signInWith({ page, words, hand, workplace }: Reader, who: typeof ADMINISTRATOR): Promise<void> {
  await page.goto(workplace.service.url);
  await hand.write(page.getByLabel(words.email), who.email);
  await hand.write(page.getByLabel(words.password), who.password);
  await hand.press(button(page, words.signIn));
}

/** "Click the server configuration from the server configuration list on the left": not the one that opens by itself. */
async function openConfiguration({ page, words, hand }: Reader): Promise<void> {
  const left = page.getByRole("navigation", { name: words.configurations });
  await hand.press(left.getByRole("link", { name: /^Newsletter/ }));
  await expect(page.getByRole("heading", { level: 1, name: "Newsletter" })).toBeVisible();
}

/** "Login to management console and display the blocked tab", then the server configuration. */
async function open(reader: Reader): Promise<void> {
  const { page, hand, words } = reader;
  await signInWith(reader, ADMINISTRATOR);
  await expect(page.getByRole("heading", { level: 1, name: "Announcements" })).toBeVisible();
  await hand.press(tab(reader, words.blocked));
  await openConfiguration(reader);
}

/** The console's own search pauses before it asks. */
async function search(reader: Reader, text: string, found: string[]): Promise<void> {
  await reader.hand.write(reader.page.getByRole("searchbox", { name: reader.words.search }), text);
  await expect(rows(reader)).toHaveCount(found.length + 1);
  for (const address of found) await expect(cell(reader, address)).toBeVisible();
}

/** Presses Download; the file is what a script gets of the same search. */
async function download({ page, words, hand, workplace }: Reader, path: string): Promise<void> {
  const opener = button(page.getByRole("main"), words.download);
  await hand.press(opener);
  const dialog = page.getByRole("dialog", { name: words.downloading });
  const begun = page.waitForEvent("download");
  await hand.press(button(dialog, words.download));
  const text = await readFile(await (await begun).path(), "utf8");
  await expect(page.getByText(words.begun).last()).toBeVisible();
  await hand.closed(dialog, opener);
  const inJapanese = words.locale === "ja-JP" ? `${path.includes("?") ? "&" : "?"}language=ja` : "";
  const answer = await workplace.call("GET", path + inJapanese);
  const wanted = new TextDecoder("utf-8", { ignoreBOM: true }).decode(await answer.arrayBuffer());
  expect(text).toBe(wanted);
  expect(text.split("\r\n").length).toBeGreaterThan(2);
}

/** The provider reads the inquiry and enables downloads, in a browser of the same language. */
async function grantDownloads(browser: Browser, reader: Reader): Promise<void> {
  const { words } = reader;
  const context = await browser.newContext({ locale: words.locale });
  const page = await context.newPage();
  const theirs = { ...reader, page, hand: reader.hand.at(page) };
  await signInWith(theirs, PROVIDER);
  await theirs.hand.press(page.getByRole("navigation", { name: words.main }).getByRole("link", { name: words.inquiries }));
  await theirs.hand.press(rows(theirs).nth(1).getByRole("link"));
  await theirs.hand.press(button(page, words.enableDownloads));
  await expect(page.getByText(words.enabled)).toBeVisible();
  await context.close();
}

for (const [language, words] of Object.entries(LANGUAGES) as [string, Words][]) {
  test.describe(language, () => {
    test.use({ locale: words.locale });
    // Whoever has no mouse walks past everything on the way.
    test.slow();
    let reader: Reader;
    test.beforeEach(async ({ page, workplace }) => {
      await json(workplace.account("POST", "/server-configurations", { name: "Announcements", time_zone: "Asia/Tokyo" }));
      reader = { page, workplace, words, hand: language === "English" ? mouse() : keyboard(page) };
    });

    test("performing blocking", async ({ page, workplace }) => {
      const { hand } = reader;
      await open(reader);
      const opener = button(page, words.runSettings);
      const dialog = page.getByRole("dialog", { name: words.runSettings });
      const previous = dialog.locator(`dt:text-is("${words.previous}") + dd`);
      await hand.press(opener);
      // The initial values.
      await expect(previous).toHaveText(words.never);
      await expect(dialog.getByLabel(words.timing)).toHaveValue("00:00");
      await expect(dialog.getByLabel(words.watch)).toHaveValue("");
      for (const [at, frequency] of ["1", "1", "3", "10", "1"].entries()) {
        await expect(dialog.getByLabel(words.enable(words.reasons[at]!))).toBeChecked();
        await expect(dialog.getByLabel(words.frequency(words.reasons[at]!))).toHaveValue(frequency);
      }
      // Checked and saved, it distributes at once.
      await hand.tick(dialog.getByLabel(words.immediate));
      await hand.press(button(dialog, words.save));
      await expect(page.getByText(words.savedNow)).toBeVisible();
      await hand.closed(dialog, opener);
      await expect(rows(reader)).toHaveCount(4, { timeout: 20_000 });

      // Without it the confirmation dialog asks for the delivery timing.
      const [, unknownUser] = words.reasons;
      await hand.press(opener);
      await expect(previous).not.toHaveText(words.never);
      await hand.write(dialog.getByLabel(words.timing), "03:30");
      await hand.tick(dialog.getByLabel(words.enable(unknownUser!)));
      await hand.tick(dialog.getByLabel(words.cancelBlocking(unknownUser!)));
      const save = button(dialog, words.save);
      await hand.press(save);
      const asking = page.getByRole("dialog", { name: words.asking });
      await expect(asking.getByLabel(words.next)).toBeChecked();
      await hand.press(button(asking, words.cancel));
      await hand.closed(asking, save);
      await hand.press(save);
      await hand.press(button(asking, words.confirm));
      await expect(page.getByText(words.saved, { exact: true })).toBeVisible();
      await hand.closed(dialog, opener);
      await expect(rows(reader)).toHaveCount(4);
      const saved = await json(workplace.call("GET", "/run-settings"));
      expect(saved).toMatchObject({ execute_timing: "03:30" });
      expect(saved.conditions).toContainEqual({ reason: "unknown_user", enabled: false, frequency: 1 });

      // Asked for now, the run cancels what was to be cancelled.
      await hand.press(opener);
      await hand.press(save);
      await hand.pick(asking, asking.getByLabel(words.now));
      await hand.press(button(asking, words.confirm));
      await hand.closed(dialog, opener);
      await expect(rows(reader)).toHaveCount(2, { timeout: 20_000 });
      await expect(cell(reader, "hanako@example.net")).toBeVisible();
    });

    test("a watch period that ends many blocks on one day", async ({ page, workplace }) => {
      const { hand } = reader;
      await runNow(workplace);
      await open(reader);
      const opener = button(page, words.runSettings);
      const dialog = page.getByRole("dialog", { name: words.runSettings });
      await hand.press(opener);
      await hand.write(dialog.getByLabel(words.watch), "30");
      await hand.write(dialog.getByLabel(words.warnAbove), "2");
      const warning = dialog.getByRole("status").filter({ hasText: words.manyEnd });
      const asked = { watch_period_days: 30, watch_warning: 2 };
      const { heavy_days } = await json(workplace.call("POST", "/run-settings/watch-period-preview", asked));
      const day = new Intl.DateTimeFormat(words.locale.slice(0, 2), {
        weekday: "short", year: "numeric", month: "short", day: "numeric", timeZone: "UTC",
      }).format(new Date(heavy_days[0].day));
      await expect(warning.getByRole("listitem")).toHaveText([words.ends(day)]);
      await hand.press(button(warning, words.spread));
      await expect(dialog.getByLabel(words.limit)).toHaveValue("2");
      await expect(warning).toBeHidden();
      await hand.press(button(dialog, words.save));
      await hand.press(button(page.getByRole("dialog", { name: words.asking }), words.confirm));
      await hand.closed(dialog, opener);
      const saved = await json(workplace.call("GET", "/run-settings"));
      expect(saved).toMatchObject({ ...asked, watch_daily_limit: 2 });
    });

    test("download the delivery blocking list file", async ({ page, browser, workplace }) => {
      const { hand } = reader;
      await runNow(workplace);
      await open(reader);
      await hand.press(button(page.getByRole("main"), words.download));
      // Disabled at first: it is asked for by the inquiry form.
      const dialog = page.getByRole("dialog", { name: words.downloading });
      await expect(dialog.getByText(words.downloadsOff)).toBeVisible();
      await hand.press(dialog.getByRole("link", { name: words.ask }));
      await hand.press(button(page, words.send));
      await expect(page.getByRole("heading", { level: 1, name: words.askSubject })).toBeVisible();
      await grantDownloads(browser, reader);

      await hand.press(tab(reader, words.blocked));
      await openConfiguration(reader);
      await download(reader, "/blocked-addresses.csv");
      // The others are enabled with it.
      await hand.press(tab(reader, words.report));
      await hand.press(section(reader, words.errorLog));
      await download(reader, "/delivery-events.csv?outcome=error");
    });

    test("upload the delivery blocking list file", async ({ page, workplace }) => {
      const { hand } = reader;
      await open(reader);
      await hand.press(page.getByRole("main").getByRole("link", { name: words.upload, exact: true }));
      // Both columns hold addresses: which one is meant, a person says.
      const list = csv("list.csv", "from,to\nus1@example.org,new1@example.com\nus2@example.org,new2@example.com\nus3@example.org,\n");
      await hand.file(page.getByLabel(words.chooseFile), list);
      await expect(page.getByRole("heading", { name: words.ready })).toBeVisible();
      const column = page.getByLabel(words.column);
      await expect(column).toHaveValue("1");
      await hand.choose(column, "2");
      await hand.press(button(page, words.readAgain));
      await expect(page.locator(`dt:text-is("${words.new}") + dd`)).toHaveText("2");
      await expect(column).toHaveValue("2");
      await expect(page.locator(`dt:text-is("${words.records}") + dd`)).toHaveText("3");
      await hand.press(button(page, words.register));
      const dialog = page.getByRole("dialog", { name: words.registering });
      await hand.press(button(dialog, words.register));
      const card = page.getByRole("article", { name: words.registration, exact: true });
      await expect(card.getByText(words.done, { exact: true })).toBeVisible();
      await hand.press(section(reader, words.blockedList));
      for (const name of ["new1", "new2"]) {
        await expect(page.getByRole("row", { name: `${name}@example.com` })).toContainText(words.pending);
      }

      // "If you want to apply it immediately": run settings, immediate action, save.
      const opener = button(page, words.runSettings);
      await hand.press(opener);
      const settings = page.getByRole("dialog", { name: words.runSettings });
      await hand.tick(settings.getByLabel(words.immediate));
      await hand.press(button(settings, words.save));
      await hand.closed(settings, opener);
      for (const name of ["new1", "new2"]) {
        await expect(page.getByRole("row", { name: `${name}@example.com` })).toContainText(words.inEffect, { timeout: 20_000 });
      }
    });

    test("operating the blocked list", async ({ page, workplace }) => {
      const { hand } = reader;
      await runNow(workplace);
      await workplace.allowDownloads(true);
      await open(reader);
      await hand.press(section(reader, words.blockedList));
      for (const name of [words.address, words.reason, words.stopDate, words.operation]) {
        await expect(page.getByRole("columnheader", { name, exact: true })).toBeVisible();
      }
      await search(reader, "EXAMPLE.NET", ["hanako@example.net"]);
      await download(reader, "/blocked-addresses.csv?q=EXAMPLE.NET");
      await search(reader, "AR", ["taro@example.com"]);

      const opener = button(page, `${words.release}: taro@example.com`);
      const dialog = page.getByRole("dialog", { name: words.releasing });
      await hand.press(opener);
      await hand.press(button(dialog, words.cancel));
      await hand.closed(dialog, opener);
      await hand.press(opener);
      await hand.write(dialog.getByLabel(words.comment), "Taro called");
      await hand.press(button(dialog, words.reallyRelease));
      await expect(page.getByText(words.released)).toBeVisible();
      await expect(page.getByText(words.nothing)).toBeVisible();
      // Applied without a run.
      const { items } = await json(workplace.call("GET", "/blocked-addresses?q=taro"));
      expect(items).toEqual([]);
    });

    test("releasing the mail address from the blocking list", async ({ page, workplace }) => {
      const { hand } = reader;
      await runNow(workplace);
      await json(workplace.call("POST", "/releases", { addresses: ["taro@example.com", "jiro@example.org"] }));
      await open(reader);
      await hand.press(section(reader, words.stopCancellation));
      for (const name of [words.address, words.reason, words.cancelled, words.operation]) {
        await expect(page.getByRole("columnheader", { name, exact: true })).toBeVisible();
      }
      await search(reader, "ar", ["taro@example.com"]);
      const opener = button(page, `${words.delete}: taro@example.com`);
      const dialog = page.getByRole("dialog");
      await hand.press(opener);
      await hand.press(button(dialog, words.cancel));
      await hand.closed(dialog, opener);
      await hand.press(opener);
      await hand.press(button(dialog, words.delete));
      await expect(page.getByText(words.deleted)).toBeVisible();
      await expect(page.getByText(words.nothing)).toBeVisible();
      await search(reader, "", ["jiro@example.org"]);
    });

    test("download the recipient list removed from the blocking list", async ({ workplace }) => {
      await workplace.allowDownloads(true);
      await runNow(workplace);
      await json(workplace.call("POST", "/releases", { addresses: ["taro@example.com", "jiro@example.org"] }));
      await open(reader);
      await reader.hand.press(section(reader, words.stopCancellation));
      await search(reader, "jiro", ["jiro@example.org"]);
      await download(reader, "/exemptions.csv?q=jiro");
    });

    test.describe("on the Standard plan", () => {
      test.use({ plan: "standard" });

      test("requesting a release from the blocking list", async ({ page, workplace }) => {
        const { hand } = reader;
        await runNow(workplace);
        const refused = { id: "refused", address: "taro@example.com", outcome: "error", reason: "blocked_address" };
        await json(workplace.call("POST", "/delivery-events", [{ ...refused, occurred_at: new Date().toISOString() }]));
        await signInWith(reader, ADMINISTRATOR);
        await expect(page.getByRole("heading", { level: 1, name: "Announcements" })).toBeVisible();
        await openConfiguration(reader);
        // STEP 1
        await hand.press(tab(reader, words.report));
        await hand.press(section(reader, words.errorLog));
        await hand.write(page.getByRole("searchbox", { name: words.search }), "taro");
        // The error that had it blocked, and the mail that was not sent since.
        await expect(rows(reader)).toHaveCount(3);
        await expect(rows(reader).filter({ hasText: words.blockingAddress })).toContainText("taro@example.com");
        // STEP 2
        await hand.press(tab(reader, words.blocked));
        await openConfiguration(reader);
        await hand.write(page.getByRole("main").getByLabel(words.address), "taro@example.com");
        await hand.press(button(page, words.delete));
        await expect(page.getByText(words.released)).toBeVisible();
        await expect(page.getByText(words.soon)).toBeVisible();
        const again = await json(workplace.call("POST", "/releases", { addresses: ["taro@example.com"] }));
        expect(again.items).toMatchObject([{ status: "not_blocked" }]);
      });
    });
  });
}
