/**
 * Proves patches: objects like those that are held back, and objects of every other kind, are replicated in a lab under the
 * facts as they are and under the facts with the patches. A patch that heals nothing of what it should, or breaks what
 * went before, is refused. Nothing is written anywhere else.
 *
 * What is not proven: that the world is as the facts say, and that it does not change meanwhile. `apply.ts` sees to that.
 */
import type { Examined } from "../core/diagnose/diagnose.ts";
import type { Setup } from "../core/diagnose/facts.ts";
import { patchedSetup } from "../core/diagnose/patched.ts";
import type { Cause, Patch } from "../core/diagnose/report.ts";
import type { FailureCode } from "../core/failures/catalogue.ts";
import { kindsOf, sampleOf, sayKind } from "./kinds.ts";
import { type Cell, type Fate, fateOf, type Rehearse, type Rehearsed, type Sample } from "./rehearsal.ts";

export interface Proof {
  /** `unproven`: nothing speaks against it, and what it is for does not show in the lab. */
  readonly verdict: "proven" | "refused" | "unproven";
  readonly rows: readonly ProofRow[];
  /** Signatures that were not tried, because there were too many or the lab cannot make such objects. */
  readonly untried: number;
  /** What could not be read and has a say in what was tried. */
  readonly assumed: readonly string[];
}

export interface ProofRow {
  readonly of: "versions" | "kind";
  readonly name: string;
  /** Of the sample. */
  readonly key: string;
  /** How many of the bucket's versions it stands for. */
  readonly versions: number;
  /** Causes that hold these versions back and that the patches are to remove. */
  readonly causes: readonly string[];
  readonly before: Seen;
  readonly after: Seen;
  readonly verdict: RowVerdict;
  readonly says: string;
  readonly assumed: readonly string[];
}

export interface Seen {
  readonly fate: Fate;
  /** Failures, and reasons to skip where nothing takes the object. */
  readonly codes: readonly FailureCode[];
  /** The first failure in the words of whoever refused. */
  readonly says?: string;
}

/**
 * - `healed`: held back before, replicated after
 * - `kept`: replicated before and after
 * - `broken`: replicated before, not after
 * - `unhealed`: held back before and after by what the patches are to remove
 * - `othersLeft`: what the patches remove is gone, and another cause holds it back still
 * - `unshown`: it should fail before, and does not in the lab, or with another code
 * - `apart`: held back before and after by what the patches do not concern
 */
export type RowVerdict = "healed" | "kept" | "broken" | "unhealed" | "othersLeft" | "unshown" | "apart";

export interface ProofRequest {
  readonly setup: Setup;
  readonly examined: readonly Examined[];
  /** Those whose patches are to be proven. */
  readonly causes: readonly Cause[];
  readonly patches: readonly Patch[];
}

const SIGNATURES_MAX = 200;

interface Tried {
  readonly of: ProofRow["of"];
  readonly name: string;
  readonly versions: number;
  readonly sample: Sample;
  /** What the diagnosis found of these versions. */
  readonly findings: Examined["findings"];
}

/** Tries before and after in two labs. */
export async function prove(request: ProofRequest, rehearse: Rehearse): Promise<Proof> {
  const { setup, patches } = request;
  const { tried, untried } = triedOf(request);
  const samples = tried.map((one) => one.sample);
  const before = await rehearse(setup, samples);
  const after = await rehearse(patchedSetup(setup, patches), samples);
  const targets = targetsOf(request);
  const rows = tried.flatMap((one, at) => {
    const [was, is] = [before[at], after[at]];
    return was === undefined || is === undefined ? [] : [rowOf(one, was, is, targets)];
  });
  return {
    verdict: verdictOf(rows),
    rows,
    untried,
    assumed: [...new Set(rows.flatMap((one) => one.assumed))],
  };
}

/** Signatures that are held back come first, then the others, then one object of every kind. */
function triedOf({ setup, examined, patches }: ProofRequest): {
  readonly tried: readonly Tried[];
  readonly untried: number;
} {
  const ordered = [...examined].sort((a, b) => Number(b.findings.length > 0) - Number(a.findings.length > 0));
  const signatures = ordered.flatMap(({ version, versions, findings }): Tried[] => {
    const sample = sampleOf(setup, version);
    return sample === undefined ? [] : [{ of: "versions", name: sayKind(sample), versions, sample, findings }];
  });
  // A patch may be of a filter: what goes through the filter that is meant to be is what counts.
  const kinds = kindsOf(patchedSetup(setup, patches)).kinds.map(
    ({ name, sample }): Tried => ({ of: "kind", name, versions: 0, sample, findings: [] }),
  );
  const tried = signatures.slice(0, SIGNATURES_MAX);
  const ofReplicas = examined.filter(({ version }) => version.replicationStatus === "REPLICA").length;
  return { tried: [...tried, ...kinds], untried: examined.length - ofReplicas - tried.length };
}

/** Causes that one of the patches is to remove. */
function targetsOf({ causes, patches }: ProofRequest): ReadonlySet<string> {
  const changed = new Set(patches.map(placeOf));
  return new Set(causes.filter(({ fix }) => fix.patches.some((one) => changed.has(placeOf(one)))).map((one) => one.id));
}

function placeOf({ target, resource, name = "" }: Patch): string {
  return `${target} ${resource} ${name}`;
}

function rowOf(tried: Tried, was: Rehearsed, is: Rehearsed, targets: ReadonlySet<string>): ProofRow {
  const { of, name, versions, sample, findings } = tried;
  const [before, after] = [seenOf(was), seenOf(is)];
  const aimed = findings.filter((one) => targets.has(one.causeId));
  const verdict = aimed.length === 0 ? besideVerdict(before, after) : aimedVerdict(before, after, aimed, findings);
  return {
    of,
    name,
    key: sample.key,
    versions,
    causes: [...new Set(aimed.map((one) => one.causeId))],
    before,
    after,
    verdict,
    says: sayVerdict(verdict, before, after, aimed),
    assumed: [...new Set([...was.cells, ...is.cells].flatMap((one) => one.assumed))],
  };
}

function seenOf(rehearsed: Rehearsed): Seen {
  const fate = fateOf(rehearsed);
  const { cells, refused } = rehearsed;
  const failed = cells.filter((one) => one.outcome === "failed" || one.outcome === "pending");
  const told: readonly Cell[] = failed.length > 0 ? failed : fate === "untaken" ? cells : [];
  const [first] = failed;
  const says = refused ?? (first === undefined || first.outcome === "completed" ? undefined : first.says);
  return { fate, codes: [...new Set(told.flatMap(codeOf))], ...(says === undefined ? {} : { says }) };
}

function codeOf(cell: Cell): readonly FailureCode[] {
  return cell.outcome === "completed" ? [] : [cell.code];
}

function besideVerdict(before: Seen, after: Seen): RowVerdict {
  if (before.fate !== "replicates") return after.fate === "replicates" ? "healed" : "apart";
  return after.fate === "replicates" ? "kept" : "broken";
}

function aimedVerdict(before: Seen, after: Seen, aimed: Tried["findings"], findings: Tried["findings"]): RowVerdict {
  if (after.fate !== "replicates") {
    if (before.fate === "replicates") return "broken";
    const others = new Set(findings.filter((one) => !aimed.includes(one)).map((one) => asOne(one.code)));
    return after.codes.length > 0 && after.codes.every((code) => others.has(asOne(code))) ? "othersLeft" : "unhealed";
  }
  if (before.fate === "replicates") return "unshown";
  // The first step that fails hides the others: that another cause of the same versions shows is as good.
  const known = new Set(findings.map((one) => asOne(one.code)));
  return before.codes.some((code) => known.has(asOne(code))) ? "healed" : "unshown";
}

/** One permission, which is missed at whatever step of an upload it is missing. @source aws-replication.md §4.1 */
function asOne(code: FailureCode): FailureCode {
  return /^DstMultipart(?:Init|Upload|Complete)NotPermitted$/.test(code) ? "DstPutObjectNotPermitted" : code;
}

function sayVerdict(verdict: RowVerdict, before: Seen, after: Seen, aimed: Tried["findings"]): string {
  const expected = [...new Set(aimed.map((one) => one.code))].join(", ");
  switch (verdict) {
    case "healed":
      return "the patch heals it";
    case "kept":
      return "it replicates as before";
    case "broken":
      return `the patch breaks it: ${sayCodes(after)}`;
    case "unhealed":
      return `the patch does not heal it: ${sayCodes(after)}`;
    case "othersLeft":
      return `another cause still holds it back: ${sayCodes(after)}`;
    case "unshown":
      return before.fate === "replicates"
        ? `the lab does not show ${expected}: it replicates there without the patch, too`
        : `the diagnosis says ${expected}, the lab ${sayCodes(before)}`;
    case "apart":
      return "it is not replicated, with the patch or without";
  }
}

function sayCodes({ fate, codes, says }: Seen): string {
  if (fate === "refused") return `it cannot be written (${says ?? ""})`;
  return codes.length === 0 ? "nothing replicates it" : codes.join(", ");
}

function verdictOf(rows: readonly ProofRow[]): Proof["verdict"] {
  if (rows.some((one) => one.verdict === "broken" || one.verdict === "unhealed")) return "refused";
  if (rows.some((one) => one.verdict === "unshown")) return "unproven";
  return rows.some((one) => one.causes.length > 0) ? "proven" : "unproven";
}
