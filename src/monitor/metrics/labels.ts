/**
 * Bounds the sets of labels, whatever configurations have held: what comes after so many rules is counted together, under
 * `other`. The order is the ledger's, in which rules came up, so who has a name keeps it and no counter ever shrinks.
 */
import { bucketOfArn } from "../../core/arn.ts";
import { failureCode } from "../../core/failures/catalogue.ts";
import type { ObservedReplication } from "../observation.ts";

/** Rules × destinations with labels of their own. */
export const LABEL_SETS_MAX = 1000;

export const OTHER = "other";

/** A type and no interface, so that it is a record of labels. */
export type RuleLabels = Readonly<Record<"replication" | "rule" | "destination", string>>;

export interface Labelled {
  readonly bucket: string;
  readonly ruleId: string;
  readonly destinationArn: string;
}

export class RuleLabelling {
  readonly #names: ReadonlyMap<string, string>;
  readonly #known = new Map<string, RuleLabels>();

  constructor(replications: readonly ObservedReplication[]) {
    // Of several under one bucket the first gives the name.
    this.#names = new Map(replications.toReversed().map(({ bucket, name }) => [bucket, name]));
  }

  /** As commands call it; a bucket that is not replicated any more by its own name. */
  replicationOf(bucket: string): string {
    return this.#names.get(bucket) ?? bucket;
  }

  /** @param name of a bucket that no replication is known of */
  of({ bucket, ruleId, destinationArn }: Labelled, name = this.replicationOf(bucket)): RuleLabels {
    const key = JSON.stringify([name, ruleId, destinationArn]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= LABEL_SETS_MAX) return { replication: OTHER, rule: OTHER, destination: OTHER };
    const labels = { replication: name, rule: ruleId, destination: endOf(destinationArn) };
    this.#known.set(key, labels);
    return labels;
  }
}

/** The bucket that an ARN names. */
export function endOf(arn: string): string {
  return bucketOfArn(arn) ?? arn;
}

/** A code of the catalogue, so that there are no more of them. */
export function reasonOf(code: string | undefined): string {
  if (code === undefined) return "";
  return failureCode(code) ?? OTHER;
}
