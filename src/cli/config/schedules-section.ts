/** The section `schedules` of `lockstep.yaml`: what is looked at by the clock, how often, and how. */
import { z } from "zod";
import type { WatchKind } from "../../monitor/history.ts";
import { cronComplaint, type When } from "../../monitor/schedules.ts";
import { auditsBeside } from "../audit/places.ts";
import { durationMs } from "../durations.ts";
import { type FoundIssue, received } from "./issues.ts";
import { members, text } from "./parts.ts";

const duration = text(/^[1-9][0-9]{0,8}(?:s|m|h|d)$/, "a duration", "Write a number and s, m, h or d: 15m");

/** What every schedule has. Either `every` or `cron`: that is looked at when the form is right. */
const times = {
  every: duration.optional().describe("From one beginning to the next; not with cron"),
  cron: text(/^\S+(?: \S+){4,5}$/, "a cron expression", "Write five fields: 0 3 * * *")
    .optional()
    .describe("Five fields, or six with seconds; not with every"),
  timezone: text(/^[A-Za-z0-9_+/-]+$/, "the name of a time zone", "Write it as in Europe/Berlin")
    .optional()
    .describe("Of the cron expression; default UTC"),
  jitter: duration.optional().describe("It begins so much later at most, by chance; default 10s with cron, else none"),
  replications: z
    .array(text(/^.+$/, "the name of a replication", "Name one that stands under replications"), {
      error: "a list of replications\nBegin each with a dash",
    })
    .optional()
    .describe("Which replications; default all"),
};

const canary = members(
  {
    ...times,
    timeout: duration.optional().describe("How long an object may take; default 15m more than from scan to scan"),
    multipart: z
      .boolean({ error: "true or false\nLeave it out: an object of two parts costs 5 MiB each time" })
      .optional()
      .describe("An object of two parts too; default false"),
    kmsKey: text(/^\S+$/, "the ARN of a KMS key", "Write it as KMS shows it")
      .optional()
      .describe("For rules that select KMS objects; default: the key that is the source bucket's default"),
  },
  "the schedule of canaries",
);

const audit = members(
  {
    ...times,
    olderThan: duration.optional().describe("What was written later than so long before is not told of; default 15m"),
    verify: text(
      /^(?:all|suspects|sample=(?:100|[0-9]{1,2}(?:\.[0-9]{1,6})?)%)$/,
      "all, suspects or sample=1%",
      "Write sample=1%, or leave it out: bytes are read at both ends",
    )
      .optional()
      .describe("Bytes, metadata and tags too: all, suspects or sample=1%; default none"),
    oneWay: z
      .boolean({ error: "true or false\nLeave it out: what only the destination has is told of" })
      .optional()
      .describe("Leave out what only the destination has; default false"),
    reports: text(/^.+$/, "a directory", "Name where reports are filed")
      .optional()
      .describe("Where reports are filed; default lockstep-audits beside the ledger"),
  },
  "the schedule of audits",
);

const plain = (what: string) => members(times, `the schedule of ${what}`);

export const schedulesSection = members(
  {
    canary: canary.optional().describe("Small marked objects through every rule, as lockstep canary"),
    probe: plain("probes").optional().describe("What each destination can do, as lockstep probe --site"),
    audit: audit.optional().describe("Every version at both ends, as lockstep audit; reports are filed in a directory"),
    rehearse: plain("rehearsals")
      .optional()
      .describe("Every kind of object in a lab, as lockstep rehearse; for replications with fromBucket"),
    lint: plain("lints")
      .optional()
      .describe("The configurations that source buckets have, as lockstep lint; for replications with fromBucket"),
  },
  "schedules",
);

type SchedulesDocument = z.infer<typeof schedulesSection>;

interface Common {
  readonly when: When;
  readonly jitterMs: number;
  /** Undefined: all. */
  readonly replications?: readonly string[];
}

export interface CanarySettings {
  readonly timeoutMs?: number;
  readonly multipart: boolean;
  readonly kmsKeyArn?: string;
}

export interface AuditSettings {
  readonly olderThanMs: number;
  /** As `--verify` has it. */
  readonly verify?: string;
  readonly oneWay: boolean;
  /** Where reports are filed; absolute. */
  readonly directory: string;
}

export type ScheduleSettings =
  | (Common & { readonly kind: "canary"; readonly canary: CanarySettings })
  | (Common & { readonly kind: "audit"; readonly audit: AuditSettings })
  | (Common & { readonly kind: Exclude<WatchKind, "canary" | "audit"> });

const CRON_JITTER_MS = 10_000;
const OLDER_THAN_MS = 15 * 60_000;

/** The section as the engine runs by it. */
export function scheduleSettings(
  section: SchedulesDocument | undefined,
  { files, ledgerUrl }: { readonly files: { pathOf(path: string): string }; readonly ledgerUrl: string },
): readonly ScheduleSettings[] {
  const { canary: canaries, audit: audits, ...others } = section ?? {};
  const settings: ScheduleSettings[] = [];
  if (canaries !== undefined) {
    const { timeout, multipart = false, kmsKey } = canaries;
    const options = {
      multipart,
      ...(timeout === undefined ? {} : { timeoutMs: durationMs(timeout) ?? 0 }),
      ...(kmsKey === undefined ? {} : { kmsKeyArn: kmsKey }),
    };
    settings.push({ kind: "canary", ...commonOf(canaries), canary: options });
  }
  if (audits !== undefined) {
    const { olderThan, verify, oneWay = false, reports } = audits;
    const options = {
      olderThanMs: olderThan === undefined ? OLDER_THAN_MS : (durationMs(olderThan) ?? 0),
      ...(verify === undefined ? {} : { verify }),
      oneWay,
      directory: reports === undefined ? auditsBeside({ ledgerUrl }, files.pathOf(".")) : files.pathOf(reports),
    };
    settings.push({ kind: "audit", ...commonOf(audits), audit: options });
  }
  for (const kind of ["probe", "rehearse", "lint"] as const) {
    const one = others[kind];
    if (one !== undefined) settings.push({ kind, ...commonOf(one) });
  }
  return settings;
}

type TimesDocument = NonNullable<SchedulesDocument["probe"]>;

function commonOf({ every = "1d", cron, timezone, jitter, replications }: TimesDocument): Common {
  const zone = timezone === undefined ? {} : { timezone };
  return {
    when: cron === undefined ? { everyMs: durationMs(every) ?? 0 } : { cron, ...zone },
    jitterMs: jitter === undefined ? (cron === undefined ? 0 : CRON_JITTER_MS) : (durationMs(jitter) ?? 0),
    ...(replications === undefined ? {} : { replications }),
  };
}

/** What the form does not tell: neither or both times, expressions that mean nothing, replications that are not there. */
export function scheduleIssues(document: {
  readonly schedules?: SchedulesDocument | undefined;
  readonly replications: Readonly<Record<string, { readonly configuration: object }>>;
}): FoundIssue[] {
  const all = Object.keys(document.replications);
  // What stands in a file was checked when it was read, and is no bucket's.
  const ofBuckets = all.filter((name) => "fromBucket" in (document.replications[name]?.configuration ?? {}));
  return Object.entries(document.schedules ?? {}).flatMap(([kind, one]) => {
    if (one === undefined) return [];
    const path = ["schedules", kind];
    const known = kind === "lint" || kind === "rehearse" ? ofBuckets : all;
    return [...timeIssues(path, one), ...replicationIssues(path, one, known)];
  });
}

function timeIssues(path: readonly string[], { every, cron, timezone }: TimesDocument): FoundIssue[] {
  const issue = (name: string, expected: string, value: unknown, remedy: string): FoundIssue => {
    const at = [...path, name];
    return { path: at, expected, received: received(value, at), remedy };
  };
  if (every === undefined && cron === undefined) {
    return [issue("every", "every or cron", undefined, "Say how often: every: 5m, or cron: 0 3 * * *")];
  }
  if (cron === undefined) {
    return timezone === undefined ? [] : [issue("timezone", "nothing beside every", timezone, "Take it out")];
  }
  if (every !== undefined) return [issue("cron", "every or cron", cron, "Take one of them out")];
  if (cronComplaint(cron) !== undefined) {
    const fields = "minute hour day month weekday, such as 0 3 * * *";
    return [issue("cron", "a cron expression", cron, `Write ${fields}`)];
  }
  if (cronComplaint(cron, timezone) === undefined) return [];
  return [issue("timezone", "the name of a time zone", timezone, "Write it as in Europe/Berlin")];
}

function replicationIssues(
  path: readonly string[],
  { replications }: TimesDocument,
  known: readonly string[],
): FoundIssue[] {
  const expected =
    known.length === 0 ? "a replication with fromBucket" : `one of the replications (${known.join(", ")})`;
  const issue = (at: FoundIssue["path"], value: unknown, remedy: string) => {
    return { path: at, expected, received: received(value, at), remedy };
  };
  if (known.length === 0)
    return [issue(path, undefined, "Take the schedule out: there is no bucket's configuration to read")];
  return (replications ?? []).flatMap((name, index) =>
    known.includes(name) ? [] : [issue([...path, "replications", index], name, "Correct the name, or take it out")],
  );
}
