/** The console's page in Debian's Chromium: what a person sees, does and reaches, with every state of what stands behind it. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { Browser } from "playwright-core";
import { launch, type Opened, open, openAt, overhang, PHONE, seriousViolations, withStandIn } from "../page/browser.ts";
import { PROOF, SCENES, type Scene } from "../page/scenes.ts";
import { StandIn, TOKEN } from "../page/stand-in.ts";

const KEY = "#/objects?bucket=photos&key=2026%2F02%2F28%2FIMG_0412.jpg";
/** Places, and what shows that the page is there. */
const PLACES = [
  { place: "#/overview", shows: "Replication" },
  { place: "#/causes?bucket=photos", shows: "Why we think so" },
  { place: "#/objects?bucket=photos", shows: "Written" },
  { place: KEY, shows: "The steps, and what is decided at each" },
];

describe("page", () => {
  let browser: Browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser.close());

  /** Opens a place of a scene, and closes everything afterwards. */
  const at = (
    scene: Scene,
    place: string,
    run: (opened: Opened, standIn: StandIn) => Promise<void>,
    options: Parameters<typeof open>[3] & { readonly role?: StandIn["role"] } = {},
  ) => {
    const { role = "operator", ...context } = options;
    const standIn = new StandIn(scene);
    standIn.role = role;
    return withStandIn(standIn, async (address) => {
      const opened = await openAt(browser, address, place, context);
      try {
        await run(opened, standIn);
      } finally {
        await opened.close();
      }
    });
  };

  test("page: the token of the printed address logs in and leaves the address", () =>
    withStandIn(new StandIn(SCENES.full), async (address) => {
      const { page, close } = await open(browser, address, `#token=${TOKEN}`);
      await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
      assert.equal(page.url(), `${address}#/overview`);
      await close();
    }));

  test("page: who has no session is asked for a token, and told when it is wrong", () =>
    withStandIn(new StandIn(SCENES.full), async (address) => {
      const { page, close } = await open(browser, address, "");
      await page.getByLabel("Token", { exact: true }).last().fill("wrong");
      await page.getByRole("button", { name: "Log in" }).click();
      await page.getByText("The token is wrong").first().waitFor();
      assert.deepEqual(await seriousViolations(page), []);
      await page.getByLabel("Token", { exact: true }).last().fill(TOKEN);
      await page.getByRole("button", { name: "Log in" }).click();
      await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
      await close();
    }));

  for (const colorScheme of ["light", "dark"] as const) {
    for (const { place, shows } of PLACES) {
      test(`page: ${place.split("?")[0]} showing "${shows}" is fit for everybody, ${colorScheme}`, () =>
        at(
          SCENES.full,
          place,
          async ({ page, complaints }) => {
            await page.getByText(shows).first().waitFor();
            assert.deepEqual(await seriousViolations(page), []);
            assert.deepEqual(complaints, []);
          },
          { colorScheme },
        ));
    }
  }

  for (const { place, shows } of PLACES) {
    test(`page: ${place.split("?")[0]} showing "${shows}" fits a phone of 360 pixels`, () =>
      at(
        SCENES.full,
        place,
        async ({ page }) => {
          await page.getByText(shows).first().waitFor({ state: "attached" });
          assert.equal(await overhang(page), 0);
          assert.deepEqual(await seriousViolations(page), []);
        },
        { viewport: PHONE },
      ));
  }

  test("page: where nothing is yet, every page says what to do", () =>
    at(SCENES.nothing, "#/overview", async ({ page, complaints }) => {
      await page.getByText("Nothing needs a person.").waitFor();
      await page.getByText("Nothing is replicated yet").waitFor();
      await page.getByRole("link", { name: "Causes" }).click();
      await page.getByText("No bucket is replicated here yet").waitFor();
      assert.deepEqual(complaints, []);
    }));

  test("page: a hundred thousand keys draw the lines that are seen, and the last is reached", () =>
    at(SCENES.many, "#/objects?bucket=photos", async ({ page }) => {
      const table = page.getByRole("region", { name: "Keys of photos" });
      await table.getByText("IMG_0412.jpg").waitFor();
      assert.ok((await table.locator("tbody tr").count()) < 100);
      await table.evaluate("document.querySelector('.table-scroll').scrollTo(0, 1e9)");
      await table.getByText("IMG_100412.jpg").waitFor();
      assert.ok((await table.locator("tbody tr").count()) < 100);
    }));

  test("page: a hundred flows show those that need a person first, and the others when asked", () =>
    at(SCENES.many, "#/overview", async ({ page }) => {
      await page.getByRole("button", { name: "Show the other 76 too" }).click();
      assert.equal(await page.locator(".map-arrow").count(), 100);
    }));

  for (const { place, shows } of PLACES)
    test(`page: a console that is gone is told at ${place}, and so is its return; what is shown stays`, () =>
      at(SCENES.full, place, async ({ page }, standIn) => {
        const shown = page.getByText(shows).first();
        await shown.waitFor();
        await page.getByText("Live", { exact: true }).waitFor();
        standIn.isGone = true;
        standIn.cut();
        await page.getByText("Lockstep does not answer since").waitFor();
        assert.ok(await shown.isVisible());
        standIn.isGone = false;
        await page.getByText("Lockstep answers again.").waitFor();
        await page.getByText("Live", { exact: true }).waitFor();
        assert.ok(await shown.isVisible());
      }));

  test("page: where events do not come through, figures are asked for", async () => {
    const standIn = new StandIn(SCENES.full);
    standIn.holdsEvents = true;
    await withStandIn(standIn, async (address) => {
      const { page, close } = await openAt(browser, address, "#/overview");
      await page.getByText("Every 4 s").waitFor();
      await page.getByRole("heading", { name: "Replication" }).waitFor();
      await close();
    });
  });

  test("page: prove, apply, resync and undo ask what they have to, and send the token against forgery", () =>
    at(SCENES.full, "#/causes?bucket=photos", async ({ page }, standIn) => {
      const last = () => standIn.asked.at(-1);
      const finish = (result: unknown) => {
        const work = standIn.works.at(-1);
        assert.ok(work);
        standIn.finish(work, result);
      };
      await page.getByRole("button", { name: "Prove", exact: true }).click();
      await page.getByText("looking at versions").waitFor();
      assert.deepEqual(last(), {
        call: "POST works",
        body: { kind: "prove", bucket: "photos", causeId: "c4d1a0" },
        csrf: "csrf-1",
      });
      finish(PROOF);
      await page.getByText("What is held back fails in the lab without the patch").waitFor();
      await page.getByRole("button", { name: "Apply…" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText("OnlyEncrypted").first().waitFor();
      await dialog.getByRole("button", { name: "Apply" }).click();
      await dialog.waitFor({ state: "detached" });
      assert.deepEqual(last()?.body, { kind: "apply", bucket: "photos", causeId: "c4d1a0" });
      finish({ undo: "u-1", applied: [{}], leftOut: [], gone: ["c4d1a0"], left: [] });
      await page.getByText("lockstep fix --undo u-1").waitFor();
      await page.getByRole("button", { name: "Resync…" }).click();
      await dialog.getByRole("button", { name: "Resync" }).click();
      await page.getByText("The resync has begun.").waitFor();
      assert.deepEqual(last()?.body, {
        kind: "resync",
        bucket: "photos",
        failed: true,
        untried: false,
        dryRun: false,
        canary: 10,
        failureCodes: ["DstPutObjectNotPermitted"],
      });
      await page.getByRole("button", { name: "Undo…" }).click();
      await dialog.getByRole("button", { name: "Undo" }).click();
      await dialog.waitFor({ state: "detached" });
      assert.deepEqual(last()?.body, { kind: "undo", bucket: "photos", id: "u-1" });
      finish({ undone: "u-1", restored: [] });
      await page.getByText("taken back", { exact: true }).first().waitFor();
    }));

  test("page: a viewer is told why the buttons that change something do nothing", () =>
    at(
      SCENES.full,
      "#/causes?bucket=photos",
      async ({ page }, standIn) => {
        const button = page.getByRole("button", { name: "Resync…" });
        await button.waitFor();
        assert.equal(await button.getAttribute("aria-disabled"), "true");
        await button.click({ force: true });
        assert.equal(await page.getByRole("dialog").count(), 0);
        await page.locator(".button-off", { has: button }).getByText("You are logged in as a viewer").waitFor();
        assert.deepEqual(standIn.asked, []);
      },
      { role: "viewer" },
    ));

  test("page: the keyboard leads everywhere, and the focus goes along", () =>
    at(SCENES.full, "#/overview", async ({ page }) => {
      await page.keyboard.press("g");
      await page.keyboard.press("c");
      await page.getByText("Why we think so").waitFor();
      assert.equal(await page.evaluate("document.activeElement.tagName"), "H1");
      await page.keyboard.press("/");
      await page.keyboard.type("2026/02");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { level: 1, name: "Objects" }).waitFor();
      assert.match(page.url(), /prefix=2026%2F02/);
      await page.getByRole("heading", { level: 1 }).focus();
      await page.keyboard.press("?");
      await page.getByRole("dialog", { name: "Keys" }).waitFor();
      assert.deepEqual(await seriousViolations(page), []);
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      assert.equal(await page.evaluate("document.activeElement.tagName"), "H1");
    }));

  test("page: a session that ends asks to log in again, and goes on at the same place", () =>
    at(SCENES.full, "#/overview", async ({ page }) => {
      await page.getByText("Live", { exact: true }).waitFor();
      await page.context().clearCookies();
      await page.evaluate(`location.hash = ${JSON.stringify(KEY)}`);
      await page.getByText("Your session has ended.").first().waitFor();
      await page.getByLabel("Token", { exact: true }).last().fill(TOKEN);
      await page.keyboard.press("Enter");
      await page.getByText("The steps, and what is decided at each").waitFor();
      assert.ok(page.url().endsWith(KEY), page.url());
      await page.getByText("Live", { exact: true }).waitFor();
    }));

  test("page: all of it is at most 150 KB over the wire", () => {
    const directory = fileURLToPath(new URL("../../src/console/page/", import.meta.url));
    const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    const bytes = files.map((one) => gzipSync(readFileSync(`${one.parentPath}/${one.name}`)).length);
    assert.ok(bytes.reduce((sum, one) => sum + one, 0) <= 150 * 1024, `${bytes.join(" + ")} bytes`);
  });
});
