/**
 * What goes on, as signals: told by server-sent events, or by asking every few seconds where those do not come through.
 *
 * - `connecting`: nothing has come yet
 * - `live`: events come
 * - `polling`: no events come, but the server answers: something on the way holds them back
 * - `lost`: nobody answers; what is shown is as it was. It is tried again, ever more slowly.
 */
import { effect, signal } from "@preact/signals";
import type { ResyncProgress } from "../../engine/resync/model.ts";
import type { Alert } from "../../monitor/alerts/model.ts";
import type { Overview } from "../overview.ts";
import type { Work } from "../works.ts";
import * as api from "./api.ts";
import { nowMs, serverTold } from "./clock.ts";
import { entry, leave } from "./session.ts";
import type { SeriesPoint } from "./shapes.ts";
import { tell } from "./toasts.ts";

export type Link = {
  readonly state: "connecting" | "live" | "polling" | "lost";
  /** When it became so. */
  readonly sinceMs: number;
};

export const link = signal<Link>({ state: "connecting", sinceMs: nowMs.peek() });
export const overview = signal<Overview | undefined>(undefined);
export const jobs = signal<readonly ResyncProgress[] | undefined>(undefined);
export const alerts = signal<readonly Alert[] | undefined>(undefined);
/** Why the server itself cannot tell how things stand: its ledger does not answer. */
export const trouble = signal<string | undefined>(undefined);
/** By id. */
export const works = signal<ReadonlyMap<string, Work>>(new Map());
/** The youngest figures; charts append them. */
export const seriesPoint = signal<SeriesPoint | undefined>(undefined);

/** Events that fail so often in a row are given up for asking, and tried again now and then. */
const EVENTS_TRIES = 3;
const POLL_MS = 4000;
const RETRY_MS = 2000;
const RETRY_MS_MAX = 20_000;
/** The server says something at least every 15 s; so long without a word, and the connection is taken for dead. */
const SILENCE_MS = 45_000;
const WORKS_MAX = 200;

let source: EventSource | undefined;
let failures = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let heardAtMs = 0;

/** Goes on as long as somebody is logged in. */
export function followEvents(): void {
  effect(() => {
    if (entry.value.state === "in") open();
    else close();
  });
  setInterval(() => {
    if (source !== undefined && link.peek().state === "live" && performance.now() - heardAtMs > SILENCE_MS) failed();
  }, SILENCE_MS / 3);
  addEventListener("online", () => {
    if (link.peek().state === "lost") open();
  });
}

function open(): void {
  close();
  const opened = new EventSource(api.addressOf("events"));
  source = opened;
  opened.onerror = () => failed();
  listen<Overview>(opened, "overview", takeOverview);
  listen<Work>(opened, "work", takeWork);
  listen<{ readonly jobs: readonly ResyncProgress[] }>(opened, "jobs", (told) => {
    jobs.value = told.jobs;
  });
  listen<{ readonly alerts: readonly Alert[] }>(opened, "alerts", (told) => {
    alerts.value = told.alerts;
  });
  listen<SeriesPoint>(opened, "series", (told) => {
    seriesPoint.value = told;
  });
  listen<{ readonly error: string }>(opened, "trouble", (told) => {
    trouble.value = told.error;
  });
  listen<{ readonly atMs: number }>(opened, "ping", ({ atMs }) => serverTold(atMs));
}

function listen<Told>(from: EventSource, name: string, take: (told: Told) => void): void {
  from.addEventListener(name, (event: MessageEvent<string>) => {
    heardAtMs = performance.now();
    failures = 0;
    become("live");
    if (event.data !== "") take(JSON.parse(event.data) as Told);
  });
}

function close(): void {
  source?.close();
  source = undefined;
  clearTimeout(timer);
}

/** The browser would try again by itself, but not after an answer that is no stream, and without telling what it was. */
function failed(): void {
  close();
  failures += 1;
  void ask();
}

/** Whether the server answers at all, and what. */
async function ask(): Promise<void> {
  try {
    const [told, running, jobsTold] = await Promise.all([api.overviewNow(), api.worksNow(), api.jobsNow()]);
    takeOverview(told);
    for (const one of running.works) takeWork(one);
    jobs.value = jobsTold.jobs;
  } catch (error) {
    if (error instanceof api.ApiError && error.status === 401) return leave("Your session has ended. Log in again.");
    become("lost");
    timer = setTimeout(open, Math.min(RETRY_MS_MAX, RETRY_MS * failures));
    return;
  }
  if (failures >= EVENTS_TRIES) become("polling");
  // Every so often events are tried again: what held them back may be gone.
  const isTried = failures < EVENTS_TRIES || failures % 15 === 0;
  timer = setTimeout(() => (isTried ? open() : failed()), isTried ? RETRY_MS : POLL_MS);
}

function become(state: Link["state"]): void {
  const before = link.peek();
  if (before.state === state) return;
  link.value = { state, sinceMs: nowMs.peek() };
  if (before.state === "lost") tell("Lockstep answers again. What you see is current.", "good");
}

function takeOverview(told: Overview): void {
  serverTold(told.atMs);
  overview.value = told;
  trouble.value = undefined;
}

/** Those that began first are forgotten first. */
export function takeWork(told: Work): void {
  const next = new Map(works.peek()).set(told.id, told);
  if (next.size > WORKS_MAX) {
    const [oldest] = [...next.values()].toSorted((one, other) => one.startedAtMs - other.startedAtMs);
    if (oldest !== undefined) next.delete(oldest.id);
  }
  works.value = next;
}

/** The youngest piece of work of a kind. */
export function latestWork(
  wanted: Pick<Work, "kind" | "bucket"> & { readonly causeId?: string | undefined },
): Work | undefined {
  let latest: Work | undefined;
  for (const one of works.value.values()) {
    const isIt = one.kind === wanted.kind && one.bucket === wanted.bucket && one.causeId === wanted.causeId;
    if (isIt && one.startedAtMs >= (latest?.startedAtMs ?? 0)) latest = one;
  }
  return latest;
}
