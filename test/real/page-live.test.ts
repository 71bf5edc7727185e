/**
 * The console in Debian's Chromium over a live lab, by clicking alone: the README's example from FAILED to COMPLETED, every
 * page with what is really there, and a backend that is killed and comes back. With `SHOTS=DIRECTORY` it leaves pictures.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { S3 } from "@aws-sdk/client-s3";
import type { Browser, Page } from "playwright-core";
import { type Served, serve, temporaryDirectory } from "../e2e/binary.ts";
import { readBucket, s3Of } from "../e2e/sdk.ts";
import { launch, type Opened, open, overhang, PHONE, seriousViolations } from "../page/browser.ts";

const SHOTS = process.env["SHOTS"];
/** Objects that are written for pictures. */
const TRAFFIC = 400;
const CAUSES = [
  "KMS-encrypted versions are not selected by the rule",
  "The role may not write delete markers at the destination",
];
const PLACES = [
  "overview",
  "causes?bucket=photos",
  "objects?bucket=photos&prefix=private%2F&key=private%2F0001.jpg",
  "rules?bucket=photos",
  "audits",
  "canaries",
  "alerts",
  "jobs",
  "changes",
  "lab",
];

describe("the console over a live lab", () => {
  const directory = temporaryDirectory();
  const dataDir = `${directory.path}/data`;
  let served: Served;
  let s3: S3;
  let browser: Browser;
  let opened: Opened;
  let page: Page;

  before(async () => {
    [served, browser] = await Promise.all([serve(dataDir, directory.path, ["--example"]), launch()]);
    s3 = s3Of(await served.environment());
    // As it is printed for a person.
    const token = readFileSync(`${dataDir}/token`, "utf8").trim();
    opened = await open(browser, served.consoleUrl, `/#token=${token}`);
    page = opened.page;
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  });
  after(async () => {
    await browser.close();
    s3.destroy();
    await served.stop();
    directory.remove();
  });

  const go = async (place: string): Promise<void> => {
    await page.evaluate(`location.hash = ${JSON.stringify(`#/${place}`)}`);
    await page.locator(".content .card").first().waitFor();
  };
  const press = (name: string) => page.getByRole("button", { name, exact: true }).click();
  const dialog = () => page.getByRole("dialog");
  const confirm = async (name: string): Promise<void> => {
    await dialog().getByRole("button", { name, exact: true }).click();
    await dialog().waitFor({ state: "detached" });
  };
  const step = (title: string) => page.locator(".step", { has: page.locator(".step-title", { hasText: title }) });
  const choose = async (cause: string): Promise<void> => {
    await page.getByRole("link", { name: cause }).click();
    await page.getByRole("heading", { name: cause }).waitFor();
  };

  test("a diagnosis that is clicked for names both causes, and nothing has been changed", async () => {
    await go("causes?bucket=photos");
    await press("Diagnose");
    for (const cause of CAUSES) await page.getByText(cause).first().waitFor();
    await picture("causes");
    if (SHOTS !== undefined) {
      await traffic();
      await go("overview");
      await picture("overview");
    }
  });

  test("every cause is proven, applied and replicated again by clicks, until all is COMPLETED", async () => {
    await go("causes?bucket=photos");
    for (const cause of CAUSES) {
      await choose(cause);
      await press("Prove");
      await page.getByRole("button", { name: "Prove again" }).waitFor();
      await press("Apply…");
      await confirm("Apply");
      await page.getByText("The same from the command line").waitFor();
      await press("Resync…");
      await confirm("Resync");
      await step("Resync").getByText(/^done/).waitFor();
    }
    const { statuses } = await readBucket(s3, "photos");
    assert.equal(Object.keys(statuses).length, SHOTS === undefined ? 300 : 300 + TRAFFIC);
    assert.deepEqual(new Set(Object.values(statuses)), new Set(["COMPLETED"]));
    await page.getByRole("link", { name: "Causes", exact: true }).waitFor();
  });

  test("what was applied is taken back by a click, and stands so in the configuration", async () => {
    const selects = async () =>
      (await s3.getBucketReplication({ Bucket: "photos" })).ReplicationConfiguration?.Rules?.[0]
        ?.SourceSelectionCriteria;
    assert.notEqual(await selects(), undefined);
    await go("causes?bucket=photos");
    const line = page.locator("tbody tr", { hasText: "replication configuration" });
    await line.getByRole("button", { name: "Undo…" }).click();
    await confirm("Undo");
    await line.getByText("taken back").waitFor();
    assert.equal(await selects(), undefined);
  });

  test("an object that no rule takes is told why not", async () => {
    await go("objects?bucket=photos");
    await page.getByText("0001.jpg").first().waitFor();
    await go("objects?bucket=photos&prefix=private%2F&key=private%2F0001.jpg");
    await page.getByText("Why not? No rule takes it").waitFor();
    await picture("objects");
  });

  test("rules are linted as they are typed, rehearsed, saved, and not over somebody else's", async () => {
    await go("rules?bucket=photos");
    const text = page.getByLabel("Replication configuration");
    const edit = async (from: string, to: string) => text.fill((await text.inputValue()).replace(from, to));
    await press("Change");
    await edit('"Priority"', '"Priorty"');
    await page.getByText(/[1-9]\d* errors?\.$/).waitFor();
    await edit('"Priorty"', '"Priority"');
    await edit('"everything"', '"all-of-it"');
    await press("Rehearse");
    await page.locator(".rehearsal-says").waitFor();
    await picture("rules");
    await press("Save…");
    await confirm("Save the rules");
    await page.getByText("The rules are saved.").waitFor();
    await press("Change");
    await edit('"all-of-it"', '"mine"');
    const theirs = (await s3.getBucketReplication({ Bucket: "photos" })).ReplicationConfiguration;
    const [rule] = theirs?.Rules ?? [];
    assert.ok(rule);
    await s3.putBucketReplication({
      Bucket: "photos",
      ReplicationConfiguration: { Role: theirs?.Role ?? "", Rules: [{ ...rule, ID: "theirs" }] },
    });
    await press("Save…");
    await dialog().getByRole("button", { name: "Save the rules" }).click();
    await page.getByText("Somebody has changed the rules meanwhile").waitFor();
    await press("Take theirs");
    await dialog().waitFor({ state: "detached" });
    assert.match(await text.inputValue(), /"theirs"/);
    await press("Discard");
    forgive(/409/);
  });

  test("something is made to go wrong in the lab and taken back, and objects are written there", async () => {
    await go("lab");
    await press("Make something go wrong…");
    await confirm("Make it go wrong");
    await page.getByText("What goes wrong on purpose").waitFor();
    await press("Take back");
    await page.getByText("What goes wrong on purpose").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Write or delete an object in photos", exact: true }).click();
    await dialog().getByLabel("Key").fill("docs/from-the-console.txt");
    await dialog().getByRole("button", { name: "Write it" }).click();
    await dialog().waitFor({ state: "detached" });
    const { Body } = await s3.getObject({ Bucket: "photos", Key: "docs/from-the-console.txt" });
    assert.equal(await Body?.transformToString(), "hello");
  });

  test("a canary is begun by a click and told of", async () => {
    await go("canaries");
    await press("Run now: the canary of photos");
    await page.getByText("Canary of photos has begun.").waitFor();
  });

  test("jobs and changes tell what was clicked, and every page is whole", async () => {
    for (const place of PLACES) {
      await go(place);
      assert.deepEqual(await seriousViolations(page), [], place);
      assert.equal(await overhang(page), 0, place);
      assert.equal(await page.locator(".state.failed").count(), 0, place);
    }
    await go("jobs");
    await page.getByText("photos").first().waitFor();
    await go("changes");
    for (const action of ["Starts a job", "Saves a bucket's rules"]) await page.getByText(action).first().waitFor();
    await picture("changes");
    assert.deepEqual(opened.complaints, []);
  });

  test("a backend that is killed is told of, and when it is back the page goes on where it was, logged in", async () => {
    await go("objects?bucket=photos&prefix=docs%2F");
    const [s3Port, consolePort] = [served.endpoint, served.consoleUrl].map((one) => new URL(one).port);
    await served.kill();
    await page.getByText("Lockstep does not answer since").waitFor();
    served = await serve(dataDir, directory.path, ["--port", s3Port ?? "", "--console-port", consolePort ?? ""]);
    await page.getByText("Live", { exact: true }).waitFor({ timeout: 60_000 });
    await page.getByText("from-the-console.txt").first().waitFor();
    assert.match(page.url(), /#\/objects\?bucket=photos&prefix=docs%2F$/);
  });

  /** Takes complaints off that what was just done brings. */
  function forgive(what: RegExp): void {
    opened.complaints.splice(0, opened.complaints.length, ...opened.complaints.filter((one) => !what.test(one)));
  }

  /** Something to see on the map and the charts. */
  async function traffic(): Promise<void> {
    for (let at = 0; at < TRAFFIC; at++) {
      await s3.putObject({ Bucket: "photos", Key: `2026/11/${at}.jpg`, Body: Buffer.alloc(40_000 + at * 100) });
    }
  }

  /** The same place in light, dark and on a phone. */
  async function picture(name: string): Promise<void> {
    if (SHOTS === undefined) return;
    const size = page.viewportSize() ?? PHONE;
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(SHOTS, `${name}-${colorScheme}.png`) });
    }
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize(PHONE);
    await page.screenshot({ path: join(SHOTS, `${name}-phone.png`) });
    await page.setViewportSize(size);
  }
});
