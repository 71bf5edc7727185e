/**
 * A rehearsal: a lab in memory is given the facts of a bucket's replication, samples are written into it, and the engine's
 * own steps replicate them as the role, authorised like everybody else. Nothing outside of this process is touched, and
 * nothing is left of it.
 *
 * Every task is tried once, in the order of the changes. There is no ledger and no schedule: what would be tried again by
 * itself is told as pending.
 */
import { parseReplication } from "../../core/config/parse.ts";
import { type Assumption, assumedFor, assumptionsOf } from "../../core/diagnose/assumed.ts";
import type { Setup } from "../../core/diagnose/facts.ts";
import { SKIP_CODES, saySkip } from "../../core/diagnose/skips.ts";
import { eligibility } from "../../core/eligibility.ts";
import { isTransient } from "../../core/failures/classify.ts";
import type { ChangeEvent, ReplicationConfiguration, Rule } from "../../core/model.ts";
import type { Cell, Rehearse, Rehearsed, Sample } from "../../doctor/rehearsal.ts";
import { type CopyOutcome, replicate } from "../../engine/copy.ts";
import type { ReplicaMap } from "../../engine/replica-search.ts";
import { type Lab, openLab } from "../../lab/lab.ts";
import type { TaskRow } from "../../ledger/ledger.ts";
import { openSetup, withKeysOf } from "./open-setup.ts";
import { DirectSites } from "./sites.ts";
import { type Written, writeSamples } from "./write-samples.ts";

const CHANGES_AT_ONCE = 100;

/** @param elapsedMs since some moment: the lab's clock starts when the facts were taken, and goes on with this one */
export function rehearsals(elapsedMs: () => number): Rehearse {
  const startedMs = elapsedMs();
  return async (facts, samples) => {
    const setup = withKeysOf(facts, samples);
    const clock = () => setup.takenAtMs + elapsedMs() - startedMs;
    const lab = await openLab({
      clock,
      runsJobs: false,
      onFault: (error) => {
        throw error;
      },
    });
    try {
      await lab.place(openSetup(setup));
      const written = await writeSamples(lab, setup.source.name, samples, clock);
      await lab.place(setup);
      const events = await changesOf(lab);
      return await replicateAll(lab, setup, samples, { written, events });
    } finally {
      await lab.close();
    }
  };
}

async function changesOf(lab: Lab): Promise<ReadonlyMap<string, ChangeEvent>> {
  const feed = lab.openChanges();
  const events = new Map<string, ChangeEvent>();
  for (;;) {
    const taken = await feed.take(CHANGES_AT_ONCE);
    for (const { event } of taken) events.set(`${event.version.key} ${event.version.versionId}`, event);
    if (taken.length === 0) return events;
  }
}

async function replicateAll(
  lab: Lab,
  setup: Setup,
  samples: readonly Sample[],
  made: { readonly written: readonly Written[]; readonly events: ReadonlyMap<string, ChangeEvent> },
): Promise<Rehearsed[]> {
  const { replication } = setup.source;
  const configuration = replication.state === "read" ? parseReplication(replication.value).configuration : undefined;
  const assumptions = assumptionsOf(setup);
  const sites = new DirectSites(lab);
  const rehearsed: Rehearsed[] = [];
  for (const [at, sample] of samples.entries()) {
    const written = made.written[at] ?? { refused: "it was not written" };
    if ("refused" in written) {
      rehearsed.push({ sample, cells: [], refused: written.refused });
      continue;
    }
    const event = made.events.get(`${sample.key} ${written.versionId}`);
    const cells: Cell[] = [];
    for (const one of outcomesOf(configuration, sample)) {
      const base = baseOf(one.rule, sample, assumptions);
      if (!one.taken) {
        const { because } = one;
        cells.push({
          ...base,
          outcome: "skipped",
          because: because.reason,
          code: SKIP_CODES[because.reason],
          says: saySkip(because),
        });
      } else if (event !== undefined) {
        const outcome = await tryOnce(sites, configuration, taskOf(event, one.rule));
        cells.push({ ...base, ...said(outcome) });
      }
    }
    rehearsed.push({ sample, cells });
  }
  return rehearsed;
}

function outcomesOf(configuration: ReplicationConfiguration | undefined, sample: Sample) {
  if (configuration === undefined) return [];
  const candidate = { ...sample, isDeleteMarker: sample.isDeleteMarker === true };
  return eligibility(configuration, candidate, candidate.isDeleteMarker ? "deleteMarker" : "put").outcomes;
}

function baseOf({ id, destination }: Rule, { encryption }: Sample, assumptions: readonly Assumption[]) {
  const { bucketArn, replicaKmsKeyArn: replicaKey } = destination;
  const assumed = assumedFor(assumptions, { destination: bucketArn, encryption, replicaKey });
  return { rule: id, destination: bucketArn, assumed };
}

function taskOf({ version, operation, atMs }: ChangeEvent, rule: Rule): TaskRow {
  return {
    id: 1,
    version,
    operation,
    destinationArn: rule.destination.bucketArn,
    ruleId: rule.id,
    origin: "live",
    sizeBytes: version.sizeBytes,
    writtenAtMs: version.lastModifiedMs,
    dueAtMs: atMs,
    nextTryAtMs: atMs,
    state: "leased",
    attempts: 0,
    redrives: 0,
  };
}

async function tryOnce(
  sites: DirectSites,
  configuration: ReplicationConfiguration | undefined,
  task: TaskRow,
): Promise<CopyOutcome> {
  const surroundings = {
    sites,
    replicas: NO_REPLICAS,
    stillMine: async () => true,
    mayWrite: () => true,
    note: async () => true,
  };
  return await replicate(task, configuration, surroundings, new AbortController().signal);
}

/** Replicas carry their source's version id here, so none has to be looked up. */
const NO_REPLICAS: ReplicaMap = { replicaOf: async () => undefined, replicasBetween: async () => [] };

type Said = Cell extends infer One ? (One extends Cell ? Omit<One, "rule" | "destination" | "assumed"> : never) : never;

function said(outcome: CopyOutcome): Said {
  switch (outcome.done) {
    case true:
      return { outcome: "completed" };
    case false: {
      const { code, failure } = outcome;
      return { outcome: isTransient(code) ? "pending" : "failed", code, step: failure.step, says: failure.message };
    }
    case "unwanted": {
      const code = SKIP_CODES[outcome.because];
      return {
        outcome: "skipped",
        because: outcome.because,
        code,
        says: "no rule takes it, now that it has been read",
      };
    }
    case "lost":
      return { outcome: "pending", code: "EngineFault", step: "engine", says: "it was broken off" };
  }
}
