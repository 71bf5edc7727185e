/** Alerts over HTTP: listed, silenced, tested; and documents accepted as the known good. The same from every engine. */
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
import { accept, type DocumentDigest } from "../../monitor/alerts/drift.ts";
import { type Acceptance, goodIn } from "../../monitor/alerts/known-good.ts";
import type { Alert, Silence } from "../../monitor/alerts/model.ts";
import { ApiError } from "../errors.ts";
import type { ConsoleOptions } from "../options.ts";
import type { ApiContext, Route } from "./route.ts";

export interface AlertsAnswer {
  /** The most urgent first; those that are over for a day. */
  readonly alerts: readonly Alert[];
  readonly silences: readonly Silence[];
  readonly outbox: OutboxStanding;
  /** Changes of configurations and policies that are good because somebody said so, or made them here; the youngest first. */
  readonly accepted: readonly AcceptedDocument[];
}

export type AcceptedDocument = Omit<DocumentDigest, "digest"> & Acceptance;

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
const newChange = z.strictObject({
  documents: z.array(z.string().max(TEXT_MAX)).max(TEXT_MAX),
  by: z.string().max(TEXT_MAX).default(""),
  why: z.string().max(TEXT_MAX),
});
const newTest = z.strictObject({ sink: z.string().optional() });

type AlertParts = Pick<ConsoleOptions, "ledger" | "clock" | "testAlerts" | "ownChanges">;
/** More are not told. */
const ACCEPTED_MAX = 20;

export function alertRoutes(parts: AlertParts): readonly Route[] {
  const { ledger, clock, testAlerts, ownChanges } = parts;
  /** @throws ApiError 404 */
  const find = async (c: ApiContext): Promise<Alert> => {
    const id = c.req.param("id") ?? "";
    const found = (await alertsOf(parts)).alerts.find((one) => one.id === id);
    if (found === undefined) throw new ApiError(404, `there is no alert ${id}`);
    return found;
  };
  return [
    {
      method: "GET",
      path: "/alerts",
      access: "viewer",
      does: "Lists the alerts, the most urgent first, what is silenced, and what has not reached its sinks",
      answers: "AlertsAnswer",
      run: async (c) => c.json(await alertsOf(parts)),
    },
    {
      method: "POST",
      path: "/alerts/test",
      access: "operator",
      does: "Sends a test to one sink, or to all",
      body: newTest,
      answers: "{tests: SinkTest[]}",
      run: async (c) => {
        const { sink } = newTest.parse(await c.req.json());
        const tests = (await testAlerts?.(sink)) ?? [];
        if (tests.length > 0) return c.json({ tests });
        const remedy = "name it under alerts.sinks in lockstep.yaml";
        throw new ApiError(
          404,
          sink === undefined ? `there is no sink: ${remedy}` : `there is no sink ${sink}: ${remedy}`,
        );
      },
    },
    {
      method: "POST",
      path: "/alerts/accept",
      access: "operator",
      does: "Makes the documents that are there now the known good",
      answers: "{accepted: number}",
      run: async (c) => {
        const acceptance = { atMs: clock(), by: c.get("who").user, why: "alerts accept" };
        return c.json({ accepted: await accept(ledger, acceptance) });
      },
    },
    {
      method: "POST",
      path: "/alerts/own-changes",
      access: "operator",
      does: "Tells that documents are about to be changed, so that it is no drift",
      body: newChange,
      answers: "{id: string}",
      run: async (c) => {
        const { by, ...change } = newChange.parse(await c.req.json());
        const id = await ownChanges?.begin({ ...change, by: by === "" ? c.get("who").user : by });
        if (id === undefined) throw new ApiError(404, "no documents are compared here");
        return c.json({ id });
      },
    },
    {
      method: "POST",
      path: "/alerts/own-changes/:id/end",
      access: "operator",
      does: "Tells that they have been changed, and makes them the known good",
      answers: "{accepted: DocumentDigest[]}",
      run: async (c) => c.json({ accepted: (await ownChanges?.end(c.req.param("id") ?? "")) ?? [] }),
    },
    {
      method: "POST",
      path: "/alerts/:id/silence",
      access: "operator",
      does: "Silences an alert for a time",
      body: newSilence,
      answers: "Alert",
      run: async (c) => {
        const wish = newSilence.parse(await c.req.json());
        if (wish.untilMs <= clock()) throw new RangeError("untilMs is over already");
        const { id } = await find(c);
        await silence(ledger, { id, ...wish, by: wish.by === "" ? c.get("who").user : wish.by, atMs: clock() });
        return c.json(await find(c));
      },
    },
    {
      method: "DELETE",
      path: "/alerts/:id/silence",
      access: "operator",
      does: "Ends the silence of an alert",
      answers: "Alert",
      run: async (c) => {
        await unsilence(ledger, c.req.param("id") ?? "");
        return c.json(await find(c));
      },
    },
  ];
}

/** How alerts stand, by what the evaluating engine has written down. */
export async function alertsOf({ ledger, clock }: Pick<AlertParts, "ledger" | "clock">): Promise<AlertsAnswer> {
  const [kept, silences, good] = await Promise.all([readBook(ledger), silencesIn(ledger, clock()), goodIn(ledger)]);
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
    accepted: good
      .flatMap(({ replication, what, accepted }) =>
        accepted === undefined ? [] : [{ replication, what, ...accepted }],
      )
      .toSorted((one, other) => other.atMs - one.atMs)
      .slice(0, ACCEPTED_MAX),
  };
}
