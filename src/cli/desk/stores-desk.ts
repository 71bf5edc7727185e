/**
 * The console's desk between stores (`lockstep run`): what the ledger knows, and what any S3 store tells. Policies, roles and
 * keys of such stores are nothing that a patch could be made for, and rules stand in a file: so some of it cannot be done here,
 * and every bucket says what and why.
 */
import type {
  Desk,
  DeskBucket,
  DeskDiagnosis,
  DeskKey,
  DeskRules,
  KeysPage,
  KeysRequest,
  Told,
  TriedObject,
} from "../../console/desk.ts";
import { ApiError } from "../../console/errors.ts";
import { overlapsOf } from "../../core/config/overlaps.ts";
import { eligibility, type Verdict } from "../../core/eligibility.ts";
import type { LintFinding } from "../../core/lint/model.ts";
import type { ReplicationConfiguration } from "../../core/model.ts";
import type { Clock } from "../../engine/ports.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { RunSettings } from "../config/settings.ts";
import type { StoreSites } from "../run/store-sites.ts";
import { documentOfRules } from "./document-of-rules.ts";
import { explainedVersions } from "./explained-versions.ts";
import { pageOfKeys } from "./keys.ts";
import { recordedDiagnosis } from "./recorded-diagnosis.ts";
import { candidateOf, lintText, rulesText } from "./rules.ts";

export interface StoresDeskOptions {
  readonly sites: Pick<StoreSites, "reader" | "configuration">;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** As they are at the time. */
  readonly settings: () => RunSettings;
}

const NO_FIX = "between stores nothing is known of policies and roles, so there are no patches";
const NO_REHEARSAL = "only configurations of AWS can be rehearsed: `lockstep rehearse` does that";

export class StoresDesk implements Desk {
  readonly #options: StoresDeskOptions;

  constructor(options: StoresDeskOptions) {
    this.#options = options;
  }

  async buckets(): Promise<readonly DeskBucket[]> {
    const { settings, sites } = this.#options;
    return await Promise.all(
      settings().replications.map(async ({ name, source, configuration }) => {
        // A store that is away keeps nobody from what is known without it.
        const known = await sites.configuration(source.name).catch(() => undefined);
        const where = configuration === undefined ? "the bucket has them" : "they stand in lockstep.yaml";
        return {
          bucket: source.name,
          name,
          rules: known?.rules.length ?? 0,
          cannot: { fix: NO_FIX, rehearse: NO_REHEARSAL, editRules: `${where}: change them there` },
        };
      }),
    );
  }

  async diagnose(bucket: string, { onProgress, signal }: Told): Promise<DeskDiagnosis> {
    this.#require(bucket);
    const { ledger, clock } = this.#options;
    const onSeen = (done: number) => {
      signal.throwIfAborted();
      onProgress({ says: "looking at what is on record", done });
    };
    return { ...(await recordedDiagnosis(ledger, { bucket, nowMs: clock.nowMs(), onSeen })), patches: {} };
  }

  async keys(bucket: string, page: KeysRequest): Promise<KeysPage> {
    this.#require(bucket);
    return await pageOfKeys(this.#options.sites.reader(bucket), bucket, page);
  }

  async explain(bucket: string, key: string): Promise<DeskKey> {
    this.#require(bucket);
    const { ledger, sites, clock } = this.#options;
    const configuration = await sites.configuration(bucket);
    const versions = await explainedVersions({ ledger, store: sites.reader(bucket), configuration }, { bucket, key });
    if (versions.length === 0) throw new ApiError(404, `there is no version of ${key} in ${bucket}`);
    const diagnosis = await recordedDiagnosis(ledger, { bucket, key, nowMs: clock.nowMs() });
    return { bucket, key, versions, diagnosis };
  }

  async rules(bucket: string): Promise<DeskRules> {
    this.#require(bucket);
    const configuration = await this.#options.sites.configuration(bucket);
    const { text, digest } = rulesText(configuration === undefined ? null : documentOfRules(configuration));
    const rules = configuration?.rules ?? [];
    const findings = text === null ? [] : lintText(bucket, text).findings;
    const role = configuration?.roleArn ?? "";
    return { bucket, text, form: "json", digest, role, rules, findings, overlaps: overlapsOf(rules) };
  }

  async tryRules(bucket: string, sample: TriedObject): Promise<Verdict> {
    this.#require(bucket);
    const configuration: ReplicationConfiguration | undefined = await this.#options.sites.configuration(bucket);
    if (configuration === undefined) return { outcomes: [], taken: [] };
    return eligibility(configuration, candidateOf(sample), sample.isDeleteMarker ? "deleteMarker" : "put");
  }

  async lint(bucket: string, text: string): Promise<readonly LintFinding[]> {
    return lintText(bucket, text).findings;
  }

  async applications(): Promise<readonly never[]> {
    return [];
  }

  async prove(): Promise<never> {
    throw new ApiError(409, NO_FIX);
  }

  async apply(): Promise<never> {
    throw new ApiError(409, NO_FIX);
  }

  async undo(): Promise<never> {
    throw new ApiError(409, NO_FIX);
  }

  async rehearse(): Promise<never> {
    throw new ApiError(409, NO_REHEARSAL);
  }

  async saveRules(bucket: string): Promise<never> {
    const found = (await this.buckets()).find((one) => one.bucket === bucket);
    if (found === undefined) throw new ApiError(404, `nothing is replicated from ${bucket}`);
    throw new ApiError(409, `the rules cannot be saved here: ${found.cannot.editRules ?? ""}`);
  }

  /** Only what the configuration names is looked at. */
  #require(bucket: string): void {
    const isKnown = this.#options.settings().replications.some((one) => one.source.name === bucket);
    if (!isKnown) throw new ApiError(404, `nothing is replicated from ${bucket}`);
  }
}
