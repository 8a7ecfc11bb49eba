// Every page in light, dark and Japanese, on a telephone, a notebook and a wall: nothing has to be moved sideways. The
// pictures, for whoever changes how the console looks, are in target/xtask/looks.
import type { Page } from "@playwright/test";
import { accountPages, configurationPages, fillAccount, providerPages } from "./pages";
import { expect, startService, test, type Service } from "./service";
import { json, uploadTo } from "./workplace";

const FOLDER = "../../target/xtask/looks";
const WALL = 3840;
const SIZES = [[360, 740], [1280, 800], [WALL, 2160]] as const;

interface Who { email: string; password: string }

/** Looks at the page as it is now, in every size. */
async function look(page: Page, name: string, language: string): Promise<void> {
  await expect(page.locator("h1").first()).toBeVisible();
  await expect(page.locator('.skeleton, [aria-busy="true"]')).toHaveCount(0);
  for (const colorScheme of language === "ja-JP" ? (["light"] as const) : (["light", "dark"] as const)) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      // The page has it with a later frame: until then a telephone shows the letters of a wall.
      await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
      // A wall takes long to paint, and looks alike in every language and colour.
      if (width < WALL || (language === "en-GB" && colorScheme === "light")) {
        const path = `${FOLDER}/${name}-${language}-${colorScheme}-${width}.jpeg`;
        await page.screenshot({ path, type: "jpeg", quality: 80 });
      }
      const sideways = await page.evaluate(() =>
        [document.documentElement, ...document.querySelectorAll("dialog[open], .table-frame")]
          .map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth),
      );
      expect.soft(Math.max(...sideways), `${name} at ${width} px`).toBeLessThanOrEqual(0);
      const upwards = await page.locator(".subtabs").evaluateAll((bars) =>
        bars.map(({ scrollHeight, clientHeight }) => scrollHeight - clientHeight),
      );
      expect.soft(Math.max(0, ...upwards), `the sections of ${name} at ${width} px`).toBe(0);
    }
  }
}

async function signIn(page: Page, { url }: Service, who: Who): Promise<void> {
  await page.context().clearCookies();
  await page.goto(`${url}/sign-in`);
  await page.locator("#email").fill(who.email);
  await page.locator("#password").fill(who.password);
  await page.locator("form button[type=submit]").click();
  await expect(page.locator(".topbar")).toBeVisible();
}

/** The API in somebody's name. */
async function apiOf({ url }: Service, who: Who) {
  const typed = { "Content-Type": "application/json" };
  const signed = fetch(`${url}/api/v1/sessions`, { method: "POST", headers: typed, body: JSON.stringify(who) });
  const { access_token: token } = await json(signed);
  const call = (method: string, path: string, body?: unknown, more: Record<string, string> = {}) => {
    const headers = { ...(body === undefined ? {} : typed), Authorization: `Bearer ${token}`, ...more };
    return fetch(`${url}/api/v1${path}`, { method, headers, body: JSON.stringify(body) });
  };
  return { who, token: token as string, call };
}

/** Somebody whom `stoplist sample` told of. */
function sampleUser(filled: Service, at: number) {
  const [, email, password] = [...filled.sample.matchAll(/(\S+@\S+)\s+password (\S+)/g)][at]!;
  return apiOf(filled, { email: email!, password: password! });
}

let sample: Awaited<ReturnType<typeof fill>>;

/** Of the sample, with what it has not: an upload, an inquiry, an invitation, a token. */
async function fill(filled: Service) {
  const [{ who, token, call }, provider] = [await sampleUser(filled, 0), await sampleUser(filled, 1)];
  const { items: [configuration] } = await json(call("GET", "/server-configurations"));
  const path = `/server-configurations/${configuration.id}`;
  const { items: [block] } = await json(call("GET", `${path}/blocked-addresses`));
  const list = "name,mail\nMai,mai@example.com\nRen,not an address\n";
  const upload = await uploadTo(`${filled.url}/api/v1${path}`, token, list);
  const inquiry = await fillAccount(call);
  const expires_at = new Date(Date.now() + 90 * 24 * 60 * 60 * 1000);
  await json(call("POST", "/tokens", { name: "Monthly import", scopes: ["read", "events", "lists", "manage"], expires_at }));
  const { link } = await json(call("POST", "/invitations", { email: "taro@example.com", role: "operator" }));
  const { items: [account] } = await json(provider.call("GET", "/provider/accounts"));
  const inside = `${filled.url}/configurations/${configuration.id}`;
  const invited = await json(call("POST", "/invitations", { email: "ren@example.com", role: "viewer" }));
  const accepted = { secret: invited.link.split("#")[1], password: "a new user's own password" };
  await json(call("POST", "/invitations/accept", accepted));
  const { items: users } = await json(call("GET", "/users"));
  const user = users.find(({ email }: { email: string }) => email === "ren@example.com");
  const { link: reset } = await json(call("POST", `/users/${user.id}/password-reset`));
  return { who, provider, inside, upload, address: block.address, inquiry, link, reset, account: account.id };
}

/** An account from its beginning to its suspension. */
async function lookAtStates(page: Page, filled: Service, locale: string): Promise<void> {
  const { call } = sample.provider;
  const who = { email: `${locale}@example.com`, password: "an administrator's password" };
  const account = { name: locale, plan: "professional", administrator_email: who.email, administrator_password: who.password };
  const path = `/provider/accounts/${(await json(call("POST", "/provider/accounts", account))).id}`;
  const change = async (what: object) => {
    const etag = (await call("GET", path)).headers.get("etag")!;
    await json(call("PATCH", path, what, { "If-Match": etag }));
  };
  await signIn(page, filled, who);
  await look(page, "no-configuration", locale);
  const theirs = await apiOf(filled, who);
  await json(theirs.call("POST", "/server-configurations", { name: "Newsletter", time_zone: "Asia/Tokyo" }));
  await change({ plan: "standard" });
  await page.goto(filled.url);
  await expect(page).toHaveURL(/blocked\/list$/);
  await look(page, "request-release", locale);
  expect((await theirs.call("DELETE", "/me/sessions")).ok).toBe(true);
  // The live stream finds it out.
  await expect(page.locator("dialog[open] #password")).toBeVisible();
  await look(page, "sign-in-again", locale);
  await change({ suspended: true });
  await signIn(page, filled, who);
  await look(page, "suspended", locale);
}

test.beforeAll(async ({ filled }) => {
  sample = await fill(filled);
});

for (const locale of ["en-GB", "ja-JP"]) {
  test.describe(locale, () => {
    test.use({ locale });

    test("every page fits", async ({ page, filled }) => {
      test.setTimeout(300_000);
      const { who, provider, inside, upload, address, inquiry, link, reset, account } = sample;
      await signIn(page, filled, who);
      for (const [name, section] of configurationPages(upload, address)) {
        await page.goto(inside + section);
        await look(page, name, locale);
      }
      for (const [name, path] of accountPages(inquiry)) {
        await page.goto(filled.url + path);
        await look(page, name, locale);
      }

      // Dialogs, by what opens them.
      await page.goto(`${inside}/blocked/list`);
      await page.locator(".page-head > :nth-child(2) .button").first().click();
      await expect(page.locator("#execute-timing")).toBeVisible();
      await look(page, "run-settings", locale);
      await page.goto(`${filled.url}/settings/account`);
      await page.locator("#factor-password").fill(who.password);
      await page.locator("form", { has: page.locator("#factor-password") }).locator("button[type=submit]").click();
      await expect(page.locator(".qr")).toBeVisible();
      await look(page, "second-factor", locale);

      await signIn(page, filled, provider.who);
      for (const [name, path] of providerPages(account)) {
        await page.goto(filled.url + path);
        await look(page, name, locale);
      }

      await page.context().clearCookies();
      const open: [string, string][] = [
        ["sign-in", "/sign-in"], ["forgot-password", "/forgot-password"], ["invitation", link], ["password-reset", reset],
        ["not-found", "/no-such-page"],
      ];
      for (const [name, path] of open) {
        await page.goto("about:blank");
        await page.goto(filled.url + path);
        await look(page, name, locale);
      }
      await lookAtStates(page, filled, locale);
    });

    test("the set-up fits", async ({ page }) => {
      const service = await startService({});
      await page.goto(service.url);
      await expect(page).toHaveURL(/set-up$/);
      await look(page, "set-up", locale);
      await service.stop();
    });
  });
}
