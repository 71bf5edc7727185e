/** The pages of rules, watches, alerts, jobs, changes and the lab in Chromium, against a stand-in of the console. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import type { TriedObject } from "../../src/console/desk.ts";
import { launch, type Opened, openAt, overhang, PHONE, seriousViolations, withStandIn } from "../page/browser.ts";
import { NOW_MS, SCENES, type Scene } from "../page/scenes.ts";
import { StandIn } from "../page/stand-in.ts";
import {
  alertsAt,
  DESK_RULES,
  endedJobs,
  REHEARSAL,
  ROLE_ERROR,
  verdictOf,
  watchAnswers,
} from "../page/watch-scenes.ts";

const SCENE: Scene = {
  ...SCENES.full,
  jobs: [...SCENES.full.jobs, ...endedJobs(NOW_MS)],
  alerts: alertsAt(NOW_MS),
  more: watchAnswers(NOW_MS),
};

const NOTHING: Scene = {
  ...SCENES.nothing,
  more: {
    watches: { results: [], schedules: [] },
    changes: { changes: [] },
    alerts: { alerts: [], silences: [], outbox: { waiting: 0, givenUp: 0 } },
    lab: { accounts: [], buckets: [], disturbances: [] },
  },
};

const PAGES = ["rules?bucket=photos", "audits", "canaries", "alerts", "jobs", "changes", "lab"];

function standIn(scene: Scene = SCENE): StandIn {
  const made = new StandIn(scene);
  made.changes.set("POST rules/try", (body) => ({
    status: 200,
    body: verdictOf((body as { object: TriedObject }).object as Parameters<typeof verdictOf>[0]),
  }));
  made.changes.set("POST rules/lint", (body) => {
    const findings = (body as { text: string }).text.includes('"Role"') ? DESK_RULES.findings : [ROLE_ERROR];
    return { status: 200, body: { findings } };
  });
  return made;
}

describe("the console's pages of rules and watches", () => {
  let browser: Browser;
  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser.close();
  });

  const at = (
    place: string,
    run: (page: Page, console: StandIn) => Promise<void>,
    { scene, ...options }: BrowserContextOptions & { readonly scene?: Scene } = {},
    made: StandIn = standIn(scene),
  ): Promise<void> =>
    withStandIn(made, async (address) => {
      const opened: Opened = await openAt(browser, address, `#/${place}`, options);
      try {
        await run(opened.page, made);
      } finally {
        await opened.close();
      }
    });

  for (const [name, options] of [
    ["in light", { colorScheme: "light" }],
    ["in dark", { colorScheme: "dark" }],
    ["on a phone", { viewport: PHONE }],
  ] as const) {
    test(`${name} every page is free of what axe calls serious, and no wider than the screen`, async () => {
      await at(
        "overview",
        async (page) => {
          for (const place of PAGES) {
            await page.evaluate(`location.hash = "#/${place}"`);
            await page.locator(".content .card").first().waitFor();
            if (place.startsWith("rules")) await page.locator(".outcomes").waitFor();
            assert.deepEqual(await seriousViolations(page), [], place);
            assert.ok((await overhang(page)) <= 0, `${place} is wider than the screen`);
          }
        },
        options,
      );
    });
  }

  for (const place of PAGES) {
    test(`while nobody answers ${place} keeps what it shows and says so, and goes on when somebody does`, async () => {
      await at(place, async (page, made) => {
        const heads = page.locator(".content .card :is(h2, th)");
        await heads.first().waitFor();
        const before = await heads.allTextContents();
        await page.getByText("Live", { exact: true }).waitFor();
        made.isGone = true;
        made.cut();
        await page.getByText("Lockstep does not answer since").waitFor();
        assert.deepEqual(await heads.allTextContents(), before);
        made.isGone = false;
        await page.getByText("Lockstep answers again.").waitFor();
        await page.getByText("Live", { exact: true }).waitFor();
        assert.deepEqual(await heads.allTextContents(), before);
        assert.equal(await page.locator(".content .state.failed").count(), 0);
      });
    });
  }

  test("where there is nothing every page says so, and what would bring something", async () => {
    await at(
      "overview",
      async (page) => {
        for (const place of ["audits", "canaries", "alerts", "jobs", "changes", "lab"]) {
          await page.evaluate(`location.hash = "#/${place}"`);
          await page.locator(".state.empty").first().waitFor();
        }
      },
      { scene: NOTHING },
    );
  });

  test("an object is tried against the rules as it is typed, and every rule says why", async () => {
    await at("rules?bucket=photos", async (page) => {
      await page.getByLabel("Key", { exact: true }).fill("raw/one.nef");
      await page.getByText("archive by raw-in-archive").waitFor();
      await page.getByLabel("It is a delete marker").check();
      await page.locator(".verdict").getByText("by everything").waitFor();
      // What was typed last may still be asked for.
      await page
        .locator(".outcomes li")
        .nth(DESK_RULES.rules.length - 1)
        .waitFor();
      const outcomes = await page.locator(".outcomes li").allTextContents();
      assert.equal(outcomes.length, DESK_RULES.rules.length);
      assert.match(outcomes[2] ?? "", /red-team.*does not.*docs\//);
    });
  });

  test("the matrix shows which rule goes before which other one", async () => {
    await at("rules?bucket=photos", async (page) => {
      await page.getByText("Matrix", { exact: true }).click();
      const row = page.getByRole("row", { name: /docs\/ team=red/ });
      const cells = await row.getByRole("cell").allTextContents();
      assert.deepEqual(
        cells.slice(1, 5).map((one) => one.replace("·", "").trim()),
        ["red-team goes before it", "does not select it", "takes it", "red-team goes before it"],
      );
    });
  });

  test("an error is marked beside its line while it is typed, and keeps the text from being saved", async () => {
    await at("rules?bucket=photos", async (page, console) => {
      await page.getByRole("button", { name: "Change", exact: true }).click();
      const text = page.getByLabel("Replication configuration");
      await text.fill((DESK_RULES.text ?? "").replace('"Role"', '"Rolle"'));
      await page.locator(".editor-margin .error", { hasText: "2" }).waitFor();
      await page.getByText("Role is missing").waitFor();
      const save = page.getByRole("button", { name: "Save…" });
      assert.equal(await save.getAttribute("aria-disabled"), "true");
      await save.click({ force: true });
      assert.deepEqual(
        console.asked.filter((one) => one.call === "PUT rules"),
        [],
      );
    });
  });

  test("who saves over a change of somebody else is shown it, and nothing is lost", async () => {
    const made = standIn();
    let digest = "d1";
    const theirs = (DESK_RULES.text ?? "").replace("docs-2019", "docs-old");
    made.changes.set("PUT rules", (body) => {
      const isSame = (body as { digest: string }).digest === digest;
      return isSame ? { status: 200, body: DESK_RULES } : { status: 409, body: { error: "changed" } };
    });
    await at(
      "rules?bucket=photos",
      async (page, console) => {
        await page.getByRole("button", { name: "Change", exact: true }).click();
        const text = page.getByLabel("Replication configuration");
        await text.fill((DESK_RULES.text ?? "").replace('"Priority": 1', '"Priority": 9'));
        digest = "d2";
        console.scene = { ...SCENE, more: { ...SCENE.more, rules: { ...DESK_RULES, text: theirs, digest } } };
        const save = page.locator('button[aria-disabled="false"]', { hasText: "Save…" });
        await save.click();
        await page.getByRole("dialog").getByText('+      "Priority": 9').waitFor();
        await page.getByRole("button", { name: "Save the rules" }).click();
        await page.getByRole("heading", { name: "Somebody has changed the rules meanwhile" }).waitFor();
        await page.getByRole("dialog").getByText('+      "ID": "docs-old"').waitFor();
        await page.getByRole("button", { name: "Go on with mine, over theirs" }).click();
        assert.match(await text.inputValue(), /"Priority": 9/);
        await save.click();
        await page.getByRole("button", { name: "Save the rules" }).click();
        await page.getByText("The rules are saved.").waitFor();
        const saved = console.asked.filter((one) => one.call === "PUT rules");
        assert.deepEqual(
          saved.map((one) => (one.body as { digest: string }).digest),
          ["d1", "d2"],
        );
      },
      {},
      made,
    );
  });

  test("a rehearsal of the changed text shows what it heals and what it breaks", async () => {
    await at("rules?bucket=photos", async (page, console) => {
      await page.getByRole("button", { name: "Change", exact: true }).click();
      await page.getByLabel("Replication configuration").fill("{}");
      await page.getByRole("button", { name: "Rehearse" }).click();
      await page.locator(".content .progress").waitFor();
      const [work] = console.works;
      assert.ok(work !== undefined && work.kind === "rehearse");
      assert.deepEqual(console.asked.at(-1)?.body, { kind: "rehearse", bucket: "photos", text: "{}" });
      console.finish(work, REHEARSAL);
      await page.getByText("The change breaks 1 of 3 kinds that work now.").waitFor();
      await page.getByText("healed by the change").waitFor();
    });
  });

  test("an alert is silenced with a reason, for as long as was chosen", async () => {
    await at("alerts", async (page, console) => {
      await page
        .locator(".alert", { hasText: "denies s3:ReplicateObject" })
        .getByRole("button", { name: "Silence…" })
        .click();
      const dialog = page.getByRole("dialog");
      const silence = dialog.getByRole("button", { name: /^Silence until/ });
      assert.equal(await silence.getAttribute("aria-disabled"), "true", "without a reason");
      await dialog.getByText("1 day").click();
      await dialog.getByLabel("Why").fill("it is being moved");
      await silence.click();
      await dialog.waitFor({ state: "detached" });
      const asked = console.asked.find((one) => one.call === "POST alerts/a1b2c3d4e5f6/silence");
      assert.ok(asked !== undefined);
      const { untilMs, why } = asked.body as { untilMs: number; why: string };
      assert.equal(why, "it is being moved");
      assert.ok(untilMs > NOW_MS + 23 * 3_600_000 && untilMs < NOW_MS + 25 * 3_600_000);
      assert.equal(asked.csrf, "csrf-1");
    });
  });

  test("what has drifted is accepted only after it was asked", async () => {
    const made = standIn();
    made.changes.set("POST alerts/accept", () => ({ status: 200, body: { accepted: 1 } }));
    await at(
      "alerts",
      async (page, console) => {
        await page.getByRole("button", { name: "Accept what is there…" }).click();
        assert.deepEqual(console.asked, []);
        await page.getByRole("dialog").getByRole("button", { name: "Accept", exact: true }).click();
        await page.getByText("1 document accepted.").waitFor();
        assert.deepEqual(
          console.asked.map(({ call }) => call),
          ["POST alerts/accept"],
        );
      },
      {},
      made,
    );
  });

  test("a resync is counted before it is begun", async () => {
    const made = standIn();
    const counted = { ...endedJobs(NOW_MS)[3], id: "count", bytes: 5 * 2 ** 20, foundFailed: 7, foundUntried: 0 };
    made.changes.set("POST jobs", (body) => ({
      status: 202,
      body: { ...counted, state: "running", dryRun: (body as { dryRun: boolean }).dryRun },
    }));
    made.scene = { ...SCENE, more: { ...SCENE.more, "jobs/count": counted } };
    await at(
      "jobs",
      async (page, console) => {
        await page.getByRole("button", { name: "Resync…" }).click();
        await page.getByLabel("Only keys that begin with").fill("raw/");
        await page.getByRole("button", { name: "Count first" }).click();
        await page.getByText("7 tasks, 5.0 MiB: 7 FAILED, 0 never tried.").waitFor();
        await page.getByRole("button", { name: "Resync 7 tasks" }).click();
        await page.getByText("The resync has begun.").waitFor();
        const asked = console.asked.filter((one) => one.call === "POST jobs").map((one) => one.body);
        assert.deepEqual(asked, [
          { kind: "resync", bucket: "photos", failed: true, untried: false, prefix: "raw/", dryRun: true },
          { kind: "resync", bucket: "photos", failed: true, untried: false, prefix: "raw/", dryRun: false },
        ]);
      },
      {},
      made,
    );
  });

  test("a job is cancelled only after it was asked, and what is paused can go on", async () => {
    await at("jobs", async (page, console) => {
      await page.getByRole("button", { name: "Cancel…" }).first().click();
      await page.getByRole("dialog").getByText("383 tasks").waitFor();
      await page.getByRole("button", { name: "Cancel the job" }).click();
      await page.getByRole("dialog").waitFor({ state: "detached" });
      await page.getByRole("button", { name: "Resume" }).click();
      await page.locator('button[aria-busy="false"]', { hasText: "Resume" }).waitFor();
      assert.deepEqual(
        console.asked.map((one) => one.call),
        [`POST jobs/${SCENES.full.jobs[0]?.id}/cancel`, "POST jobs/p/resume"],
      );
    });
  });

  test("a watch is begun from its schedule, and not while it is under way", async () => {
    await at("audits", async (page) => {
      assert.equal(
        await page.getByRole("button", { name: "Run now: the audit of photos" }).getAttribute("aria-disabled"),
        "true",
      );
      const link = await page
        .getByRole("link", { name: /the report of photos/ })
        .first()
        .getAttribute("href");
      assert.match(link ?? "", /\/api\/v1\/watches\/report\?path=%2Fvar%2Flib%2Flockstep%2Faudits%2Fphotos-13$/);
    });
    await at("canaries", async (page, console) => {
      await page.getByRole("button", { name: "Run now: the canary of photos" }).click();
      await page.getByText("Canary of photos has begun.").waitFor();
      assert.deepEqual(
        console.asked.map((one) => one.call),
        ["POST watches/canary/photos/run"],
      );
    });
  });

  test("a fault is put into the lab and taken back", async () => {
    await at("lab", async (page, console) => {
      await page.getByRole("button", { name: "Make something go wrong…" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("What", { exact: true }).selectOption("delay");
      await dialog.getByLabel("Milliseconds").fill("1500");
      await dialog.getByLabel("Bucket").selectOption("photos");
      await dialog.getByLabel("How many requests").fill("3");
      await dialog.getByRole("button", { name: "Make it go wrong" }).click();
      await dialog.waitFor({ state: "detached" });
      await page.getByRole("button", { name: "Take back" }).click();
      await page.locator('button[aria-busy="false"]', { hasText: "Take back" }).waitFor();
      assert.deepEqual(
        console.asked.map(({ call, body }) => [call, body]),
        [
          ["POST lab/disturbances", { kind: "delay", delayMs: 1500, bucket: "photos", times: 3 }],
          ["DELETE lab/disturbances/f1", undefined],
        ],
      );
    });
  });

  test("a viewer reads everything and can press nothing that changes something", async () => {
    const made = standIn();
    made.role = "viewer";
    await at(
      "jobs",
      async (page, console) => {
        for (const name of ["Pause", "Cancel…", "Resync…"]) {
          const button = page.getByRole("button", { name }).first();
          assert.equal(await button.getAttribute("aria-disabled"), "true", name);
          await button.click({ force: true });
        }
        assert.deepEqual(console.asked, []);
        assert.equal(await page.getByRole("dialog").count(), 0);
      },
      {},
      made,
    );
  });
});
