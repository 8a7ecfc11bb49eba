// What the console keeps in memory after many page changes.
import { exposeMemory, keptIn } from "../../e2e/browser/memory.mjs";

/** Every page of a server configuration, and some beside; the list comes again and again. */
const TOUR = [
  "/blocked/list", "/blocked/stop-cancellation", "/blocked/uploads", "/blocked/list", "/blocked/distributions",
  "/blocked/mail-servers", "/delivery-report/overview", "/delivery-report/error-log", "/delivery-report/delivery-log",
  "/blocked/list", "/inquiries", "/settings/account", "/settings/users", "/settings/tokens", "/settings/audit-log",
];
/** The way to a page whose link is not on the one before. */
const DOORS = [[/\/blocked\//, "/blocked/list"], [/\/delivery-report\//, "/delivery-report/overview"], [/\/settings\//, "/settings/account"]];
/** Page changes until all is loaded, and the engine has compiled what it will: a leak goes on growing after that. */
const WARM_UP = 30 * TOUR.length;
const SAMPLES = 5;

/** Memory in bytes, nodes and listeners after some hundred page changes and after all. */
export async function pageChanges(context, list, count) {
  const page = await context.newPage();
  await exposeMemory(page);
  await page.goto(list);
  await page.locator("main tbody tr").first().waitFor();
  const samples = [];
  const between = Math.ceil(count / SAMPLES / TOUR.length) * TOUR.length;
  let place = 0;
  for (let change = 1; change <= WARM_UP + SAMPLES * between; change++) {
    place = (place + 1) % TOUR.length;
    await go(page, TOUR[place]);
    // Whole tours: of the same page each time.
    if (change >= WARM_UP && (change - WARM_UP) % between === 0) {
      samples.push({ changes: change - WARM_UP, ...(await keptIn(page)) });
    }
  }
  await page.close();
  return samples;
}

async function go(page, target) {
  const link = page.locator(`a[href$="${target}"]`).first();
  if ((await link.count()) === 0) {
    const [, door] = DOORS.find(([pages]) => pages.test(target));
    await page.locator(`a[href$="${door}"]`).first().evaluate((element) => element.click());
    await link.waitFor();
  }
  await link.evaluate((element) => element.click());
  await page.waitForFunction(
    (end) => location.pathname.endsWith(end) && !document.querySelector('.skeleton, main [aria-busy="true"]'),
    target,
  );
}
