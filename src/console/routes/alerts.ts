/** Alerts over HTTP: listed, silenced, tested; and documents accepted as the known good. The same from every engine. */
import { Hono } from "hono";
import { z } from "zod";
import {
  alertOf,
  byUrgency,
  groupsOf,
  newBook,
  readBook,
  silence,
  silencesIn,
  unsilence,
} from "../../monitor/alerts/book.ts";
import { accept } from "../../monitor/alerts/drift.ts";
import type { Alert, Silence } from "../../monitor/alerts/model.ts";
import type { ConsoleOptions } from "../options.ts";

export interface AlertsAnswer {
  /** The most urgent first; those that are over for a day. */
  readonly alerts: readonly Alert[];
  readonly silences: readonly Silence[];
  readonly outbox: OutboxStanding;
}

/** Messages that have not reached their sinks. */
export interface OutboxStanding {
  readonly waiting: number;
  readonly oldestAtMs?: number;
  /** Of the sink that has been in trouble the latest. */
  readonly lastError?: string;
  /** Messages that sinks refused for good. */
  readonly givenUp: number;
}

const TEXT_MAX = 500;
const newSilence = z.strictObject({
  untilMs: z.number().int(),
  by: z.string().max(TEXT_MAX).default(""),
  why: z.string().max(TEXT_MAX).default(""),
});
const newTest = z.strictObject({ sink: z.string().optional() });

export function alertRoutes({
  ledger,
  clock,
  testAlerts,
}: Pick<ConsoleOptions, "ledger" | "clock" | "testAlerts">): Hono {
  const app = new Hono();
  const answer = async (): Promise<AlertsAnswer> => {
    const [kept, silences] = await Promise.all([readBook(ledger), silencesIn(ledger, clock())]);
    const book = kept ?? newBook();
    const alerts = [...groupsOf(book).values()].flatMap((members) => alertOf(members, book, silences) ?? []);
    const troubles = Object.entries(book.troubles).toSorted(([, one], [, other]) => other.atMs - one.atMs);
    const oldestAtMs = Math.min(...book.outbox.map((one) => one.atMs));
    const [last] = troubles;
    return {
      alerts: alerts.toSorted(byUrgency),
      silences,
      outbox: {
        waiting: book.outbox.length,
        ...(book.outbox.length === 0 ? {} : { oldestAtMs }),
        ...(last === undefined ? {} : { lastError: `${last[0]}: ${last[1].says}` }),
        givenUp: book.givenUp,
      },
    };
  };
  const find = async (id: string) => (await answer()).alerts.find((one) => one.id === id);
  const nowhere = (id: string) => ({ error: `there is no alert ${id}` });
  app.get("/alerts", async (c) => c.json(await answer()));
  app.post("/alerts/test", async (c) => {
    const { sink } = newTest.parse(await c.req.json());
    const tests = (await testAlerts?.(sink)) ?? [];
    if (tests.length > 0) return c.json({ tests });
    return c.json({ error: sink === undefined ? "no sinks are configured" : `there is no sink ${sink}` }, 404);
  });
  app.post("/alerts/accept", async (c) => c.json({ accepted: await accept(ledger) }));
  app.post("/alerts/:id/silence", async (c) => {
    const id = c.req.param("id");
    const wish = newSilence.parse(await c.req.json());
    if (wish.untilMs <= clock()) throw new RangeError("untilMs is over already");
    if ((await find(id)) === undefined) return c.json(nowhere(id), 404);
    await silence(ledger, { id, ...wish, atMs: clock() });
    return c.json((await find(id)) ?? nowhere(id));
  });
  app.delete("/alerts/:id/silence", async (c) => {
    const id = c.req.param("id");
    await unsilence(ledger, id);
    const found = await find(id);
    return found === undefined ? c.json(nowhere(id), 404) : c.json(found);
  });
  return app;
}
