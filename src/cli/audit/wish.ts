/** What the options of `audit` ask for, and how the command runs one: progress on standard error, words at its end. */
import { mkdir } from "node:fs/promises";
import type { AuditEnds, VerifyWish } from "../../doctor/audit/ports.ts";
import type { AuditReport } from "../../doctor/audit/report.ts";
import { auditWords } from "../../doctor/audit/words.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { type CommandInput, type CommandResult, isGiven, textOption } from "../command.ts";
import { type Context, styled } from "../context.ts";
import { UsageError } from "../errors.ts";
import { type AuditRequest, type AuditResult, runAudit } from "./auditing.ts";

/** @throws UsageError */
export function auditWish(input: CommandInput): Omit<AuditRequest, "subject" | "destinationArn"> {
  const verify = verifyWish(input);
  const olderThan = textOption(input, "olderThan");
  return {
    ...(verify === undefined ? {} : { verify }),
    ...(olderThan === undefined ? {} : { olderThanMs: spanOf(olderThan) }),
    oneWay: isGiven(input, "oneWay"),
    resume: isGiven(input, "resume"),
  };
}

function verifyWish(input: CommandInput): VerifyWish | undefined {
  const text = textOption(input, "verify");
  const isMetadata = isGiven(input, "metadata");
  if (text === undefined) return isMetadata ? { share: 1, suspects: false, bytes: false } : undefined;
  if (isMetadata) throw new UsageError("--verify compares metadata, too: leave --metadata out");
  const wish = verifyOf(text);
  if (wish === undefined) throw new UsageError(`--verify is all, suspects or sample=1%, not "${text}"`);
  return wish;
}

/** Undefined for what is none. */
export function verifyOf(text: string): VerifyWish | undefined {
  if (text === "all") return { share: 1, suspects: true, bytes: true };
  if (text === "suspects") return { share: 0, suspects: true, bytes: true };
  const percent = Number(/^sample=(\d{1,3}(?:\.\d{1,6})?)%$/.exec(text)?.[1] ?? Number.NaN);
  return percent > 0 && percent <= 100 ? { share: percent / 100, suspects: true, bytes: true } : undefined;
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function spanOf(text: string): number {
  const [, count, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count === undefined) throw new UsageError(`--older-than takes a span such as 15m or 2h, not "${text}"`);
  return Number(count) * (UNITS_MS[unit] ?? 0);
}

export interface CommandAudit {
  readonly request: AuditRequest;
  readonly ends: AuditEnds;
  readonly from?: AuditReport["from"];
  readonly directory: string;
  readonly ledger?: Ledger;
}

/** Runs it with its progress shown. */
export async function watchedAudit(one: CommandAudit, context: Context): Promise<AuditResult> {
  const { request, ...parts } = one;
  const { clock } = context;
  await mkdir(one.directory, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(
      `no report can be filed in ${one.directory} (${cause.code ?? cause.message}): --report-dir names another`,
      {
        cause,
      },
    );
  });
  const bar = context.stderr.isTTY === true ? await openBar(context) : undefined;
  try {
    return await runAudit(request, {
      ...parts,
      clock,
      signal: context.interrupted,
      onProgress: (so) => bar?.show(so),
    });
  } finally {
    bar?.stop();
  }
}

/** Loaded where somebody looks: a short audit is mostly loading. */
async function openBar({ stderr, clock }: Context) {
  const { AuditBar } = await import("./progress-bar.ts");
  return new AuditBar({ stream: stderr, clock });
}

/** @param more what is said besides, such as what a repair has come to */
export function auditResult({ report, directory }: AuditResult, more?: CommandResult): CommandResult {
  const value = { ...report, directory, ...(more === undefined ? {} : { repair: more.value }) };
  const status = more === undefined ? (report.exceptions === 0 ? 0 : 1) : more.status;
  const words = () =>
    [auditWords(report, styled), `Filed in ${directory}`, ...(more === undefined ? [] : ["", more.words()])].join("\n");
  return { status, value, words };
}
