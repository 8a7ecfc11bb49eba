import { defineConfig, devices } from "@playwright/test";

// `cargo xtask test --only browser` sets CHROMIUM (Debian's browser) and STOPLIST_BIN (the service).
export default defineConfig({
  testDir: "./tests",
  outputDir: "../../target/xtask/playwright",
  // A test that passes only at the second try has failed.
  retries: 0,
  forbidOnly: true,
  workers: 2,
  // axe is slow on a busy machine.
  timeout: 60_000,
  expect: { timeout: 10_000 },
  use: {
    ...devices["Desktop Chrome"],
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      // Chromium's sandbox needs privileges that containers lack; the tests visit nothing but our own service.
      args: ["--no-sandbox", "--disable-gpu"],
    },
  },
});
