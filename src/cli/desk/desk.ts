/**
 * The console's desk where a bucket's owner can be asked everything: the same functions that the commands are made of, with
 * progress for a page in place of words for a terminal.
 *
 * What was diagnosed last is what is proven and applied, as it was shown: before anything is written every document is read
 * again, and nothing is written where one has changed.
 */

import type {
  Applied,
  Desk,
  DeskBucket,
  DeskDiagnosis,
  DeskKey,
  DeskRehearsal,
  DeskRules,
  KeysPage,
  KeysRequest,
  Told,
  TriedObject,
} from "../../console/desk.ts";
import { ApiError } from "../../console/errors.ts";
import { overlapsOf } from "../../core/config/overlaps.ts";
import { parseReplication } from "../../core/config/parse.ts";
import { explainVersion } from "../../core/diagnose/explain-version.ts";
import { eligibility, type Verdict } from "../../core/eligibility.ts";
import type { LintFinding } from "../../core/lint/model.ts";
import { lastingOf } from "../../doctor/apply.ts";
import type { Application } from "../../doctor/history.ts";
import { patchCommand, patchDiff, patchTitle } from "../../doctor/patch-forms.ts";
import type { Proof } from "../../doctor/prove.ts";
import { plural } from "../../doctor/report.ts";
import type { Connection } from "../connection.ts";
import { lookAt, lookAtKey, type Scan } from "../diagnosis/scan.ts";
import type { AppliedPlan, Applying } from "../fix/applying.ts";
import { applyPlan, historyOf, takeBack, writePatches } from "../fix/applying.ts";
import { planOf, proofOf } from "../fix/fixing.ts";
import { pageOfKeys } from "./keys.ts";
import { deskRehearsalOf } from "./rehearsal.ts";
import { arnOf, candidateOf, lintText, readRules, refuseWrong, rulesText, sameDigest } from "./rules.ts";
import type { DeskWorld } from "./world.ts";

/** Buckets whose last look is remembered, and for how long it is believed. */
const SCANS_KEPT = 20;
const SCAN_MS = 15 * 60_000;

export class OwnersDesk implements Desk {
  readonly #world: DeskWorld;
  readonly #scans = new Map<string, { readonly scan: Scan; readonly atMs: number }>();

  constructor(world: DeskWorld) {
    this.#world = world;
  }

  async buckets(): Promise<readonly DeskBucket[]> {
    return await this.#world.buckets();
  }

  async diagnose(bucket: string, told: Told): Promise<DeskDiagnosis> {
    return await this.#world.connected(bucket, async (connection) => {
      this.#scans.delete(bucket);
      const { diagnosis } = await this.#scanned(connection, bucket, told);
      const at = connection.endpoint === "aws" ? undefined : connection.endpoint;
      const patches = diagnosis.causes.flatMap((one) => one.fix.patches);
      const shown = patches.map((one) => {
        const isLasting = lastingOf([one]).length > 0;
        return [one.id, { title: patchTitle(one), diff: patchDiff(one), awsCli: patchCommand(one, at), isLasting }];
      });
      return { ...diagnosis, patches: Object.fromEntries(shown) as DeskDiagnosis["patches"] };
    });
  }

  async keys(bucket: string, page: KeysRequest): Promise<KeysPage> {
    return await this.#world.connected(bucket, async (connection) => {
      const { store } = await connection.bucket(bucket);
      return await pageOfKeys(store, bucket, page);
    });
  }

  async explain(bucket: string, key: string): Promise<DeskKey> {
    return await this.#world.connected(bucket, async (connection) => {
      const { facts, diagnosis } = await lookAtKey(connection, { bucket, key });
      if (facts.versions.length === 0) throw new ApiError(404, `there is no version of ${key} in ${bucket}`);
      const versions = facts.versions
        .toSorted((one, other) => other.lastModifiedMs - one.lastModifiedMs)
        .map((one) => explainVersion(facts, one));
      return { bucket, key, versions, diagnosis };
    });
  }

  async prove(bucket: string, causeId: string | undefined, told: Told): Promise<Proof> {
    return await this.#world.connected(bucket, async (connection) => {
      const plan = planOf(await this.#scanned(connection, bucket, told), causeId);
      if (plan.patches.length === 0) throw new ApiError(409, "there is no patch to prove");
      told.onProgress({ says: `trying ${plural(plan.patches.length, "change")} in a lab` });
      return await proofOf(plan, this.#world);
    });
  }

  async apply(bucket: string, causeId: string | undefined, told: Told): Promise<Applied> {
    return await this.#world.connected(bucket, async (connection) => {
      const plan = planOf(await this.#scanned(connection, bucket, told), causeId);
      if (plan.patches.length === 0) throw new ApiError(409, "there is nothing to apply");
      told.onProgress({ says: "trying it in a lab first" });
      const proof = await proofOf(plan, this.#world);
      told.signal.throwIfAborted();
      const all = plan.patches.length;
      told.onProgress({ says: "writing", done: 0, total: all });
      let done: AppliedPlan;
      try {
        done = await applyPlan(connection, plan, this.#applying(told, all), { proof });
      } finally {
        // Whatever became of it: what was known of the bucket is not so any more.
        this.#scans.delete(bucket);
      }
      const { undo, applied, probe } = done;
      return { undo, applied, leftOut: plan.leftOut, ...probe };
    });
  }

  async undo(bucket: string, id: string, told: Told) {
    return await this.#world.connected(bucket, async (connection) => {
      this.#scans.delete(bucket);
      told.onProgress({ says: "writing" });
      const { restored } = await takeBack(connection, { bucket, id }, this.#applying(told));
      return { undone: id, restored };
    });
  }

  async applications(bucket?: string): Promise<readonly Application[]> {
    const kept = await historyOf(this.#world).list();
    return kept.filter((one) => bucket === undefined || one.bucket === bucket).toReversed();
  }

  async rules(bucket: string): Promise<DeskRules> {
    return await this.#world.connected(bucket, async (connection) => await this.#rules(connection, bucket));
  }

  async tryRules(bucket: string, sample: TriedObject): Promise<Verdict> {
    return await this.#world.connected(bucket, async (connection) => {
      const document = await readRules(connection, bucket);
      const configuration = document === null ? undefined : parseReplication(document).configuration;
      if (configuration === undefined) return { outcomes: [], taken: [] };
      return eligibility(configuration, candidateOf(sample), sample.isDeleteMarker ? "deleteMarker" : "put");
    });
  }

  async lint(bucket: string, text: string): Promise<readonly LintFinding[]> {
    return lintText(bucket, text).findings;
  }

  async rehearse(bucket: string, text: string | undefined, told: Told): Promise<DeskRehearsal> {
    const document = text === undefined ? undefined : refuseWrong(lintText(bucket, text));
    return await this.#world.connected(bucket, async (connection) => {
      const { setup } = await this.#scanned(connection, bucket, told);
      told.onProgress({ says: "every kind of object goes through a lab" });
      return await deskRehearsalOf(setup, document, this.#world);
    });
  }

  async saveRules(bucket: string, text: string, digest: string): Promise<DeskRules> {
    const after = refuseWrong(lintText(bucket, text));
    return await this.#world.connected(bucket, async (connection) => {
      const before = await readRules(connection, bucket);
      if (!sameDigest(before, digest)) {
        throw new ApiError(409, "the rules have changed since they were read: read them again");
      }
      const patch = { id: "p-rules", target: "replication", resource: arnOf(bucket), before, after } as const;
      this.#scans.delete(bucket);
      await writePatches(connection, { bucket, patches: [patch] }, this.#applying());
      return await this.#rules(connection, bucket);
    });
  }

  async #rules(connection: Connection, bucket: string): Promise<DeskRules> {
    const document = await readRules(connection, bucket);
    const { text, digest } = rulesText(document);
    const configuration = document === null ? undefined : parseReplication(document).configuration;
    const rules = configuration?.rules ?? [];
    const findings = text === null ? [] : lintText(bucket, text).findings;
    const role = configuration?.roleArn ?? "";
    return { bucket, text, form: "json", digest, role, rules, findings, overlaps: overlapsOf(rules) };
  }

  /** The last look, or a new one. */
  async #scanned(connection: Connection, bucket: string, { onProgress, signal }: Told): Promise<Scan> {
    const kept = this.#scans.get(bucket);
    if (kept !== undefined && kept.atMs + SCAN_MS > this.#world.clock()) return kept.scan;
    const scan = await lookAt(connection, { bucket }, (versions) => {
      signal.throwIfAborted();
      onProgress({ says: "looking at versions", done: versions });
    });
    this.#scans.delete(bucket);
    this.#scans.set(bucket, { scan, atMs: this.#world.clock() });
    const [oldest] = this.#scans.keys();
    if (this.#scans.size > SCANS_KEPT && oldest !== undefined) this.#scans.delete(oldest);
    return scan;
  }

  #applying(told?: Told, total?: number): Applying {
    let done = 0;
    return {
      ...this.#world,
      // What has begun to be written is written to its end.
      signal: new AbortController().signal,
      onInEffect: (patch) => {
        done++;
        told?.onProgress({ says: `in effect: ${patchTitle(patch)}`, done, ...(total === undefined ? {} : { total }) });
      },
    };
  }
}
