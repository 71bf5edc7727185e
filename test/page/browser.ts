/** Debian's Chromium with the console's page open: what goes wrong in it, and what axe finds. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { type StandIn, TOKEN } from "./stand-in.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Longer than the page waits before it tries again, on a machine that is busy. */
const PATIENCE_MS = 30_000;

export const DESKTOP = { width: 1360, height: 900 };
export const PHONE = { width: 360, height: 740 };

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
}

/** A page that is open, and what its console said. */
export interface Opened {
  readonly page: Page;
  /** Errors and warnings, violations of the content security policy among them. */
  readonly complaints: string[];
  readonly close: () => Promise<void>;
}

/** @param hash without it, the token of the address logs in and the first page shows */
export async function open(
  browser: Browser,
  address: string,
  hash: string,
  options: BrowserContextOptions = {},
): Promise<Opened> {
  const context = await browser.newContext({ viewport: DESKTOP, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(`${address}${hash}`);
  return { page, complaints, close: () => context.close() };
}

/** As `open`, logged in and at a place. */
export async function openAt(
  browser: Browser,
  address: string,
  place: string,
  options: BrowserContextOptions = {},
): Promise<Opened> {
  const opened = await open(browser, address, `#token=${TOKEN}`, options);
  await opened.page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  await opened.page.evaluate(`location.hash = ${JSON.stringify(place)}`);
  return opened;
}

/** What axe calls serious or critical, in words. */
export async function seriousViolations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    // What axe is was put into the page just now; the compiler of the tests does not know the page.
    const { axe } = globalThis as unknown as { axe: { run: () => Promise<{ violations: Violation[] }> } };
    interface Violation {
      readonly id: string;
      readonly impact: string;
      readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
    }
    const { violations } = await axe.run();
    return violations
      .filter((one) => one.impact === "serious" || one.impact === "critical")
      .flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 200)} ${node.failureSummary}`));
  });
}

/** How many pixels the page is wider than the screen. */
export async function overhang(page: Page): Promise<number> {
  return page.evaluate("document.documentElement.scrollWidth - innerWidth");
}

/** Runs with a stand-in that listens, and ends it. */
export async function withStandIn<Result>(
  standIn: StandIn,
  run: (address: string) => Promise<Result>,
): Promise<Result> {
  const address = await standIn.listen();
  try {
    return await run(address);
  } finally {
    await standIn.close();
  }
}
