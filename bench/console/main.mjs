// Measures the console of a running service and prints its figures as JSON. The bench starts it with the service's
// address, who signs in, and the browser in its environment.
import { chromium } from "playwright-core";
import { clicks, typing } from "./latency.mjs";
import { audits } from "./audits.mjs";
import { pageChanges } from "./memory.mjs";

const { STOPLIST_URL: url, STOPLIST_EMAIL: email, STOPLIST_PASSWORD: password, CHROMIUM: executablePath } = process.env;
const PAGES = 1_000;

const say = (text) => console.error(`bench: ${text}`);
// Lighthouse drives the same browser by this door: its page has the cookie of who signed in.
const PORT = 19_222;
const context = await chromium.launchPersistentContext("", {
  executablePath,
  // Chromium's sandbox needs privileges that containers lack; nothing but our own service is visited.
  args: ["--no-sandbox", "--disable-gpu", `--remote-debugging-port=${PORT}`],
  locale: "en-GB",
  viewport: { width: 1280, height: 900 },
});
try {
  const page = context.pages()[0] ?? (await context.newPage());
  await page.goto(`${url}/sign-in`);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(/\/blocked\/list$/);
  const list = page.url();
  say("the console: clicks");
  const clicked = await clicks(page, list);
  say("the console: typing");
  const typed = await typing(page, list);
  // No other tab of the console takes part.
  await page.goto("about:blank");
  say("the console: Lighthouse");
  const desktop = await audits(list, PORT, "desktop");
  const mobile = await audits(list, PORT, "mobile");
  // At last: so many calls in a minute that the next ones would be told to wait.
  say(`the console: ${PAGES} page changes`);
  const changed = await pageChanges(context, list, PAGES);
  console.log(JSON.stringify({ clicked, typed, changed, desktop, mobile }));
} finally {
  await context.close();
}
