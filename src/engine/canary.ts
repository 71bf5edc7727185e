/**
 * Canaries: for each rule small marked objects of every kind that it selects are written at the source, followed until they
 * are replicated, read back at the destination, and removed at both ends.
 *
 * Nothing is written where it could not be seen or removed again: that is asked before. A canary that did not live to clean
 * up after itself is cleaned up after by the next one. Replication is not done here: whoever replicates, AWS or an engine,
 * meets the objects like all others. Not here either: who keeps the results, and when the next run is.
 */
import { canaryDirectory, canaryId, canaryPrefix, isLeftCanary } from "../core/canary-key.ts";
import { failureCode, failureEntry } from "../core/failures/catalogue.ts";
import type { Rule } from "../core/model.ts";
import { S3Error } from "../s3/errors.ts";
import { sideBySide } from "../s3/side-by-side.ts";
import { answerWords } from "./canary/answers.ts";
import { defaultEncryption, refusalOf } from "./canary/ends.ts";
import { type Ending, type Followed, follow } from "./canary/follow.ts";
import { type PlannedCanary, planCanary } from "./canary/kinds.ts";
import type {
  CanaryEnd,
  CanaryFate,
  CanaryObject,
  CanaryOptions,
  CanaryRefusal,
  CanaryResult,
  CanaryWorld,
  LeftCanary,
} from "./canary/model.ts";
import { differences } from "./canary/read-back.ts";
import { removeCanaries } from "./canary/removal.ts";
import { writeCanary } from "./canary/write.ts";

const RULES_AT_ONCE = 8;
/** Beyond the time for the object and its marker: for writing, reading back and removing. */
const TIDY_MS = 2 * 60_000;

/** Runs one canary for each rule that is enabled. In the order of the rules; rejects only for faults of our own. */
export async function canary(world: CanaryWorld, options: CanaryOptions): Promise<readonly CanaryResult[]> {
  const rules = world.configuration.rules.filter((one) => one.enabled);
  const untilMs = world.clock.nowMs() + 2 * options.timeoutMs + TIDY_MS;
  // Rules may have one prefix: each cleans up after itself alone.
  const runs = rules.map((rule, at) => new RuleCanary(world, options, rule, canaryId(untilMs, `${options.word}${at}`)));
  return await sideBySide(runs, RULES_AT_ONCE, (one) => one.run());
}

/** What a canary would write for each enabled rule, and where; nothing is asked but the bucket's default encryption. */
export async function plannedCanaries(world: Pick<CanaryWorld, "configuration" | "source">, options: CanaryOptions) {
  const bucketDefault = await defaultEncryption(world.source);
  return world.configuration.rules
    .filter((one) => one.enabled)
    .map((rule) => {
      const { configuration, source } = world;
      const prefix = `${canaryDirectory(rule.prefix)}ID/`;
      const { multipart, kmsKeyArn } = options;
      const where = { bucket: source.bucket, prefix, id: "ID" };
      return { rule, prefix, ...planCanary({ ...where, configuration, rule, multipart, kmsKeyArn, bucketDefault }) };
    });
}

/** One rule's. */
class RuleCanary {
  readonly #world: CanaryWorld;
  readonly #options: CanaryOptions;
  readonly #rule: Rule;
  readonly #id: string;
  readonly #prefix: string;
  readonly #signal: AbortSignal;
  readonly #left: LeftCanary[] = [];
  #swept = 0;

  constructor(world: CanaryWorld, options: CanaryOptions, rule: Rule, id: string) {
    this.#world = world;
    this.#options = options;
    this.#rule = rule;
    this.#id = id;
    this.#prefix = canaryPrefix(rule.prefix, id);
    this.#signal = options.signal ?? new AbortController().signal;
  }

  async run(): Promise<CanaryResult> {
    const { clock } = this.#world;
    const startedAtMs = clock.nowMs();
    const done = await this.#tried();
    const { id: ruleId, destination } = this.#rule;
    const base = { ruleId, destinationArn: destination.bucketArn, startedAtMs, endedAtMs: clock.nowMs() };
    return { ...base, objects: [], ...done, swept: this.#swept, left: this.#left };
  }

  async #tried(): Promise<Pick<CanaryResult, "objects"> | { readonly refused: CanaryRefusal }> {
    const ends = await this.#ends();
    if ("refused" in ends) return ends;
    await this.#sweep(ends.all);
    try {
      return await this.#send(ends.own, ends.all.length > 2);
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      const says = `the canary could not be written to s3://${this.#world.source.bucket}: ${answerWords(error)}`;
      return { refused: { because: "access", says } };
    } finally {
      await this.#cleanUp(ends.all);
    }
  }

  /** The source first, then every bucket that this rule's canaries come to, the rule's own among them. */
  async #ends(): Promise<
    { readonly all: readonly CanaryEnd[]; readonly own: CanaryEnd } | { readonly refused: CanaryRefusal }
  > {
    const { configuration, source } = this.#world;
    const taking = configuration.rules.filter((one) => one.enabled && this.#prefix.startsWith(one.prefix));
    const others = new Set(taking.map((one) => one.destination.bucketArn));
    others.delete(this.#rule.destination.bucketArn);
    const all = [source];
    for (const arn of [this.#rule.destination.bucketArn, ...others]) {
      const end = await this.#destination(arn);
      if ("refused" in end) return end;
      all.push(end);
    }
    for (const end of all) {
      const refused = await refusalOf(end, this.#prefix);
      if (refused !== undefined) return { refused };
    }
    return { all, own: all[1] ?? source };
  }

  async #destination(arn: string): Promise<CanaryEnd | { readonly refused: CanaryRefusal }> {
    try {
      return await this.#world.destination(arn);
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      if (error.status === 404) return { refused: { because: "absent", says: `there is no bucket ${arn}` } };
      return { refused: { because: "access", says: `${arn} cannot be looked at: ${error.message}` } };
    }
  }

  /** What others left behind here, and whose time is over. */
  async #sweep(ends: readonly CanaryEnd[]): Promise<void> {
    const { clock } = this.#world;
    const runs = new Set<string>();
    const which = (key: string) => {
      const isLeft = isLeftCanary(key, clock.nowMs());
      if (isLeft) runs.add(key.slice(0, key.lastIndexOf("/") + 1));
      return isLeft;
    };
    for (const end of ends) {
      const { removed } = await removeCanaries(end, { prefix: canaryDirectory(this.#rule.prefix), which, clock });
      this.#swept += removed;
    }
    for (const prefix of runs) await this.#world.forget(prefix);
  }

  async #send(destination: CanaryEnd, isShared: boolean): Promise<Pick<CanaryResult, "objects">> {
    const { configuration, source } = this.#world;
    const { multipart, kmsKeyArn } = this.#options;
    const plan = planCanary({
      bucket: source.bucket,
      configuration,
      rule: this.#rule,
      prefix: this.#prefix,
      id: this.#id,
      multipart,
      kmsKeyArn,
      bucketDefault: await defaultEncryption(source),
    });
    const [first, ...others] = plan.objects;
    if (first === undefined) return { objects: [] };
    const sent = (one: PlannedCanary) => this.#object(one, destination, isShared);
    const withMarker = async (): Promise<CanaryObject[]> => {
      const object = await sent(first);
      return plan.marker ? [object, await this.#marker(object, destination, isShared)] : [object];
    };
    // The first tells whether anything can be written: its refusal is that of the whole, once the others have ended.
    const [head, ...rest] = await Promise.allSettled([withMarker(), ...others.map((one) => this.#other(one, sent))]);
    const all = [head, ...rest].map((one) => {
      if (one?.status === "rejected") throw one.reason;
      return one?.value ?? [];
    });
    return { objects: all.flat() };
  }

  /** Written beside the first. What the caller may not write of another kind is not tried, and the others are. */
  async #other(planned: PlannedCanary, sent: (one: PlannedCanary) => Promise<CanaryObject>): Promise<CanaryObject> {
    try {
      return await sent(planned);
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      const { kind, key } = planned;
      return { kind, key, outcome: "untried", says: `it could not be written: ${answerWords(error)}` };
    }
  }

  /** Rejects with an S3Error where it could not be written. */
  async #object(planned: PlannedCanary, destination: CanaryEnd, isShared: boolean): Promise<CanaryObject> {
    const { kind, key, untried } = planned;
    if (untried !== undefined) return { kind, key, outcome: "untried", says: untried };
    const { source, clock, showsStatus } = this.#world;
    const { versionId, body } = await writeCanary(source, planned);
    const writtenAtMs = clock.nowMs();
    const version = { bucket: source.bucket, key, versionId };
    return await this.#watched(
      kind,
      { version, operation: "put", ...this.#until(destination, isShared, writtenAtMs) },
      async (replica) => {
        const head = await source.store.headObject(version);
        const { contentHeaders, userMetadata, tags = [] } = planned.write;
        const expected = { contentHeaders, userMetadata, tags, body, rule: this.#rule, source: head, showsStatus };
        return await differences(destination, replica, expected);
      },
    );
  }

  async #marker(object: CanaryObject, destination: CanaryEnd, isShared: boolean): Promise<CanaryObject> {
    const { key, outcome } = object;
    const untried = (says: string): CanaryObject => ({ kind: "marker", key, outcome: "untried", says });
    if (outcome !== "completed") return untried("the object that would have been deleted did not arrive");
    const { source, clock } = this.#world;
    try {
      const { versionId, isDeleteMarker } = await source.store.deleteObject({ bucket: source.bucket, key });
      if (!isDeleteMarker || versionId === undefined) return untried("the source writes no delete markers");
      const version = { bucket: source.bucket, key, versionId };
      const followed = { version, ...this.#until(destination, isShared, clock.nowMs()) };
      return await this.#watched("marker", { ...followed, operation: "deleteMarker" }, async () => []);
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      return untried(`the object could not be deleted: ${answerWords(error)}`);
    }
  }

  #until(destination: CanaryEnd, isShared: boolean, writtenAtMs: number) {
    const untilMs = writtenAtMs + this.#options.timeoutMs;
    return { destination, destinationArn: this.#rule.destination.bucketArn, isShared, writtenAtMs, untilMs };
  }

  async #watched(
    kind: CanaryObject["kind"],
    followed: Followed,
    compare: (replica: { readonly key: string; readonly versionId: string }) => Promise<readonly string[]>,
  ): Promise<CanaryObject> {
    const { key } = followed.version;
    try {
      const ending = await follow(this.#world, followed, this.#signal);
      if (ending.is !== "arrived") return { kind, key, ...this.#unarrived(ending) };
      const latencyMs = ending.atMs - followed.writtenAtMs;
      const differs = await compare(ending.replica);
      if (differs.length === 0)
        return { kind, key, outcome: "completed", latencyMs, says: "it arrived as it was written" };
      return { kind, key, outcome: "differs", latencyMs, says: `it arrived, but ${differs.join("; ")}` };
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      return { kind, key, outcome: "failed", says: `it could not be followed: ${answerWords(error)}` };
    }
  }

  #unarrived(ending: Exclude<Ending, { is: "arrived" }>): Omit<CanaryObject, "kind" | "key"> {
    switch (ending.is) {
      case "unselected":
        return {
          outcome: "failed",
          says: "its store took it without a replication status: no rule has selected it there",
        };
      case "failed": {
        const why = reasonWords(ending.fate) ?? { says: "nobody who was asked knows why; lockstep diagnose may" };
        return { outcome: "failed", ...why, says: `FAILED: ${why.says}` };
      }
      case "late": {
        const why = reasonWords(ending.fate);
        const still = this.#signal.aborted
          ? "the canary was interrupted"
          : `it was PENDING for ${this.#options.timeoutMs / 1000} s`;
        return { outcome: "late", ...why, says: why === undefined ? still : `${still}: ${why.says}` };
      }
    }
  }

  /** The source first, so that nothing is tried again; then what waits for it; then the replicas. */
  async #cleanUp(ends: readonly CanaryEnd[]): Promise<void> {
    const { clock, forget } = this.#world;
    for (const [at, end] of ends.entries()) {
      const { left } = await removeCanaries(end, { prefix: this.#prefix, clock });
      this.#left.push(...left);
      if (at === 0) await forget(this.#prefix);
    }
    // What was under way at the time may have FAILED since.
    await forget(this.#prefix);
  }
}

/** The catalogue's title, and the answer that was given. */
function reasonWords(fate: CanaryFate | undefined): { readonly code: string; readonly says: string } | undefined {
  if (fate === undefined || fate.is === "completed" || fate.code === undefined) return undefined;
  const { code, message = "" } = fate;
  const known = failureCode(code);
  const title = known === undefined ? code : failureEntry(known).title;
  return { code, says: message === "" ? `${title} (${code})` : `${title} (${code}): ${message}` };
}
