/**
 * An hour of events in less than a minute: the page that takes them all holds no more memory and elements than at the start,
 * and its last events cost it no more than its first.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { launch, openAt, withStandIn } from "../page/browser.ts";
import { SCENES } from "../page/scenes.ts";
import { StandIn } from "../page/stand-in.ts";

const HOUR_S = 3600;
/** Events of so many seconds at a time, and then the page draws. */
const AT_A_TIME_S = 60;
const WARM_S = HOUR_S / 10;
/** What charts, that hold an hour, may take from a tenth of one on. */
const HEAP_MORE_MAX = 4 * 1024 * 1024;
const NODES_MORE_MAX = 200;
/** How much more a tenth of the hour may cost at the end than at the beginning: what grows with what was shown costs tenfold. */
const COST_TIMES_MAX = 3;

interface Held {
  readonly heapBytes: number;
  readonly nodes: number;
}

test("page: an hour of events leaves no memory and no elements behind", async () => {
  const standIn = new StandIn(SCENES.full);
  const browser = await launch();
  try {
    await withStandIn(standIn, async (address) => {
      const { page, complaints } = await openAt(browser, address, "#/overview");
      await page.getByText("Live", { exact: true }).waitFor();
      const inspector = await page.context().newCDPSession(page);
      await inspector.send("HeapProfiler.enable");
      await inspector.send("Performance.enable");
      /** Seconds that the page's thread has worked. */
      const worked = async (): Promise<number> => {
        const { metrics } = await inspector.send("Performance.getMetrics");
        return metrics.find(({ name }) => name === "TaskDuration")?.value ?? assert.fail("no TaskDuration");
      };
      const costs: number[] = [];
      let workedBefore = await worked();
      const held = async (): Promise<Held> => {
        await inspector.send("HeapProfiler.collectGarbage");
        const { usedSize } = await inspector.send("Runtime.getHeapUsage");
        const { nodes } = await inspector.send("Memory.getDOMCounters");
        return { heapBytes: usedSize, nodes };
      };
      const { overview, jobs, alerts } = SCENES.full;
      let early: Held | undefined;
      for (let second = 1; second <= HOUR_S; second++) {
        const atMs = overview.atMs + second * 1000;
        standIn.tell("ping", { atMs });
        standIn.tell("jobs", { jobs });
        if (second % 2 === 0) standIn.tell("overview", { ...overview, atMs, completed: overview.completed + second });
        if (second % 10 === 0) {
          standIn.tell("series", { atMs, pending: second % 97, failed: second % 7, lagP99Ms: second });
          standIn.tell("alerts", { alerts });
        }
        if (second % AT_A_TIME_S === 0) {
          await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))");
        }
        if (second % WARM_S === 0) {
          const workedNow = await worked();
          costs.push(workedNow - workedBefore);
          if (second === WARM_S) early = await held();
          workedBefore = await worked();
        }
      }
      // Events come in order: who shows the last has taken them all.
      standIn.tell("overview", SCENES.nothing.overview);
      await page.getByText("Nothing is replicated yet").waitFor();
      standIn.tell("overview", overview);
      await page.locator(".map-arrow").first().waitFor();
      const late = await held();
      assert.ok(early);
      assert.ok(late.heapBytes - early.heapBytes < HEAP_MORE_MAX, `heap ${early.heapBytes} → ${late.heapBytes}`);
      assert.ok(late.nodes - early.nodes < NODES_MORE_MAX, `nodes ${early.nodes} → ${late.nodes}`);
      const [, second = 0] = costs;
      const said = costs.map((one) => one.toFixed(2)).join(", ");
      console.log(`# seconds of work for each tenth of an hour: ${said}`);
      assert.ok((costs.at(-1) ?? Number.NaN) < second * COST_TIMES_MAX, said);
      assert.deepEqual(complaints, []);
    });
  } finally {
    await browser.close();
  }
});
