// What a page of the console keeps in memory: for the test that it does not grow, and for the bench.

/**
 * Makes a page's WASM memory known to `keptIn`; before the page is opened.
 * @param {import("@playwright/test").Page} page
 */
export async function exposeMemory(page) {
  await page.addInitScript(() => {
    const instantiate = WebAssembly.instantiateStreaming;
    WebAssembly.instantiateStreaming = async (...given) => {
      const made = await instantiate.apply(WebAssembly, given);
      window.memory ??= made.instance.exports.memory;
      return made;
    };
  });
}

/**
 * Answers what a page keeps now: memory in bytes, nodes and listeners.
 * @param {import("@playwright/test").Page} page
 */
export async function keptIn(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable");
  for (let turn = 0; turn < 3; turn++) await devtools.send("HeapProfiler.collectGarbage");
  const { metrics } = await devtools.send("Performance.getMetrics");
  await devtools.detach();
  const value = (name) => metrics.find((metric) => metric.name === name).value;
  const wasm = await page.evaluate(() => window.memory.buffer.byteLength);
  return { wasm, heap: value("JSHeapUsedSize"), nodes: value("Nodes"), listeners: value("JSEventListeners") };
}
