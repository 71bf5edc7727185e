/** What needs a person, of all that is known: the worst first, each with where to go. What mends itself is not among it. */

import type { ResyncProgress } from "../../../../engine/resync/model.ts";
import type { Alert } from "../../../../monitor/alerts/model.ts";
import type { Overview } from "../../../overview.ts";
import { placeOf } from "../../route.ts";
import { agoWords, bucketName, plural, sizeWords, spanWords } from "../../words.ts";
import { isOfEnd, type ToldCause, toldCauses } from "./told-causes.ts";

export interface Need {
  readonly id: string;
  readonly tone: "bad" | "warn";
  readonly title: string;
  readonly says: string;
  /** Where more is told, and what the way there is called. */
  readonly to: { readonly place: string; readonly says: string };
}

interface Known {
  readonly overview: Overview;
  readonly alerts: readonly Alert[];
  readonly jobs: readonly ResyncProgress[];
  readonly hasPage: (path: string) => boolean;
}

export function needsOf(known: Known): readonly Need[] {
  const { causes, more, others } = toldCauses(known.overview, known.alerts);
  const needs = [
    ...engineNeeds(known.overview),
    ...alertNeeds(others, known),
    ...breakerNeeds(known),
    ...causes.map((one) => causeNeed(one, known.overview)),
    ...moreCauses(more),
    ...jobNeeds(known),
    ...pauseNeeds(known.overview),
  ];
  return [...needs.filter((one) => one.tone === "bad"), ...needs.filter((one) => one.tone === "warn")];
}

function engineNeeds({ engines, pending, atMs }: Overview): Need[] {
  const to = { place: placeOf("overview"), says: "Engines" };
  const away = engines.filter((one) => one.isAway);
  if (engines.length === away.length) {
    const waits =
      pending > 0 ? `${plural(pending, "task")} wait and nothing moves.` : "Whatever is written now will wait.";
    return [{ id: "no-engine", tone: "bad", title: "No engine runs", says: waits, to }];
  }
  return away.map((one) => ({
    id: `away ${one.name}`,
    tone: "warn",
    title: `Engine ${one.name} is silent`,
    says: `It last told something ${agoWords(one.atMs, atMs)}. The others do its work.`,
    to,
  }));
}

/** Of what nothing else here tells. */
function alertNeeds(others: readonly Alert[], { overview, hasPage }: Known): Need[] {
  const ends = openEnds(overview);
  return others
    .filter((one) => !isSilenced(one, overview.atMs) && !ends.some((end) => isOfEnd(one, end)))
    .map((one) => ({
      id: `alert ${one.id}`,
      tone: one.severity === "critical" ? "bad" : "warn",
      title: one.title,
      says: one.says,
      to: { place: placeOf(hasPage("alerts") ? "alerts" : "overview"), says: "Alert" },
    }));
}

function openEnds({ replications }: Overview): string[] {
  return replications.flatMap((one) => one.destinations.flatMap(({ breakers }) => breakers.map(({ name }) => name)));
}

function isSilenced({ silencedUntilMs }: Alert, nowMs: number): boolean {
  return (silencedUntilMs ?? 0) >= nowMs;
}

/** How far somebody has been told: `Alert for 3m 20s.` */
function alertWords(alert: Alert | undefined, nowMs: number): string {
  if (alert === undefined) return "";
  const { state, sinceMs, silencedUntilMs = 0 } = alert;
  if (isSilenced(alert, nowMs)) return ` Alert silenced for another ${spanWords(silencedUntilMs - nowMs)}.`;
  return state === "firing" ? ` Alert for ${spanWords(nowMs - sinceMs)}.` : "";
}

/** One for each end, however many engines and streams meet it. */
function breakerNeeds({ overview: { replications, atMs }, alerts }: Known): Need[] {
  const ends = new Map<string, Need>();
  for (const { bucket, destinations } of replications) {
    for (const { name, sinceMs, nextTrialAtMs } of destinations.flatMap((one) => one.breakers)) {
      const next =
        nextTrialAtMs === undefined ? "It is being tried" : `It is tried again in ${spanWords(nextTrialAtMs - atMs)}`;
      const alert = alerts.find((one) => one.state === "firing" && isOfEnd(one, name));
      ends.set(name, {
        id: `breaker ${name}`,
        tone: "bad",
        title: `Nobody answers at ${bucketName(name)}`,
        says: `For ${spanWords(atMs - sinceMs)}. ${next}; nothing is lost meanwhile, versions wait as PENDING.${alertWords(alert, atMs)}`,
        to: { place: placeOf("causes", { bucket }), says: "Diagnose" },
      });
    }
  }
  return [...ends.values()];
}

/** One for each cause: what an alert says of it, which is more, or else its figures. */
function causeNeed({ code, alert, reason }: ToldCause, { replications, atMs }: Overview): Need {
  if (alert !== undefined) {
    const { id, bucket, title, says } = alert;
    return {
      id: `cause ${id}`,
      tone: isSilenced(alert, atMs) ? "warn" : "bad",
      title,
      says: `${says.replace(/\.?$/, ".")}${alertWords(alert, atMs)}`,
      to: { place: placeOf("causes", { bucket }), says: "Cause" },
    };
  }
  const failing = replications.filter((one) => one.destinations.some(({ failed }) => failed > 0));
  const [only] = failing;
  const { title = code, tasks = 0, bytes = 0 } = reason ?? {};
  return {
    id: `failed ${code}`,
    tone: "bad",
    title: `${plural(tasks, "task")} FAILED: ${title}`,
    says:
      bytes === 0
        ? `${code} · Nothing of it is at the destination until the cause is removed.`
        : `${code} · ${sizeWords(bytes)} are not at the destination, and stay away until the cause is removed.`,
    to: { place: placeOf("causes", failing.length === 1 ? { bucket: only?.bucket } : {}), says: "Cause" },
  };
}

function moreCauses(more: number): Need[] {
  if (more === 0) return [];
  const says = "They are listed with the others, the most urgent first.";
  const to = { place: placeOf("causes"), says: "Causes" };
  return [{ id: "more causes", tone: "bad", title: `${plural(more, "cause")} more`, says, to }];
}

function jobNeeds({ jobs, hasPage }: Known): Need[] {
  return jobs
    .filter((one) => one.state === "broken")
    .slice(0, 3)
    .map((one) => ({
      id: `job ${one.id}`,
      tone: "warn",
      title: `A resync of ${one.bucket} broke off`,
      says: one.error ?? "It says nothing about why.",
      to: { place: placeOf(hasPage("jobs") ? "jobs" : "overview"), says: "Jobs" },
    }));
}

function pauseNeeds({ replications, atMs }: Overview): Need[] {
  return replications.flatMap(({ name, bucket, pausedSinceMs, destinations }) => {
    if (pausedSinceMs === undefined) return [];
    const waiting = destinations.reduce((sum, one) => sum + one.pending, 0);
    return [
      {
        id: `paused ${bucket}`,
        tone: "warn",
        title: `${name} is paused`,
        says: `Since ${spanWords(atMs - pausedSinceMs)}; ${plural(waiting, "task")} wait.`,
        to: { place: placeOf("objects", { bucket }), says: "Objects" },
      } satisfies Need,
    ];
  });
}
