// How long somebody waits: from a click to the rows that it brings, and while typing.

const TURNS = 20;
/** Searched letter by letter: some are frequent, some are nowhere. */
const WORDS = ["yamada", "a@b", "docomo.ne.jp", "zzqx", "%_"];
/** Between two letters of somebody who types fast, in milliseconds. */
const PACE = 70;

/** Runs in the page: acts, and answers after how many milliseconds other rows are on the screen. */
function untilOtherRows(element, value) {
  return new Promise((resolve) => {
    const rows = () => document.querySelector("main tbody")?.textContent ?? "none";
    const [before, start] = [rows(), performance.now()];
    const observer = new MutationObserver(() => {
      const now = rows();
      if (now === before || document.querySelector('main [aria-busy="true"]')) return;
      observer.disconnect();
      // After the next picture.
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => resolve(performance.now() - start);
        port2.postMessage(0);
      });
    });
    observer.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
    if (value === undefined) return element.click();
    element.value = value;
    element.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

/** Milliseconds of every click: through the pages, other orders, other filters. */
export async function clicks(page, list) {
  await page.goto(list);
  await page.locator("main tbody tr").first().waitFor();
  const times = [];
  const click = async (name) => times.push(await page.getByRole("button", { name, exact: true }).evaluate(untilOtherRows));
  const choose = async (label, value) => times.push(await page.getByLabel(label, { exact: true }).evaluate(untilOtherRows, value));
  for (let turn = 0; turn < TURNS; turn++) await click("Next page");
  await click("First page");
  for (const reason of ["unknown_host", "reception_rejected", "unknown_user", ""]) {
    await choose("Error reason", reason);
    await click("Next page");
    await click("First page");
  }
  const orders = await page.getByLabel("Sort", { exact: true }).locator("option").evaluateAll((all) => all.map((one) => one.value));
  for (const order of [...orders.slice(1), orders[0]]) {
    await choose("Sort", order);
    await click("Next page");
    await click("First page");
  }
  return times;
}

/** Tasks over 50 ms while words are typed into the search and taken out again, and the slowest key, in milliseconds. */
export async function typing(page, list) {
  await page.goto(list);
  await page.locator("main tbody tr").first().waitFor();
  await page.evaluate(() => {
    window.longTasks = [];
    window.keys = [];
    new PerformanceObserver((seen) => window.longTasks.push(...seen.getEntries().map((task) => task.duration))).observe({ type: "longtask" });
    new PerformanceObserver((seen) => window.keys.push(...seen.getEntries().map((key) => key.duration))).observe({ type: "event", durationThreshold: 16 });
  });
  const search = page.getByRole("main").getByRole("searchbox").first();
  await search.focus();
  let letters = 0;
  for (const word of WORDS) {
    await page.keyboard.type(word, { delay: PACE });
    await page.waitForTimeout(400);
    for (const _ of word) await page.keyboard.press("Backspace", { delay: PACE });
    letters += word.length * 2;
  }
  await page.waitForTimeout(1_000);
  const { longTasks, keys } = await page.evaluate(() => ({ longTasks: window.longTasks, keys: window.keys }));
  return { letters, longTasks, slowestKey: Math.max(0, ...keys) };
}
