/**
 * Takes bodies of notifications, however they came: reads them, marks the keys that they name, and waits until what these
 * call for is durable. What is not understood is told and counted, and never ends anything.
 */
import { readNotification } from "../../core/notifications/read.ts";
import { NotTakenError } from "./dirty-keys.ts";
import type { NotifiedChanges } from "./notified-changes.ts";

export interface ReceiverOptions {
  readonly changes: Pick<NotifiedChanges, "mark">;
  /** What a site's bucket is called here; undefined when nothing is replicated from it. */
  readonly nameOf: (site: string, bucket: string) => string | undefined;
  readonly onTrouble: (says: string) => void;
}

/** Where a body came from. */
export interface Sender {
  /** As it is told: `webhook /ceph`. */
  readonly name: string;
  /** Whose buckets it speaks of. */
  readonly site: string;
}

/** What has come of a body that was taken. */
export interface Taken {
  /** Changes whose tasks are durable now. */
  readonly changes: number;
  /** Events of other kinds, and of buckets that nothing is replicated from. */
  readonly ignored: number;
  /** What was not understood. To send it again does not help. */
  readonly problems: readonly string[];
}

export class NotificationReceiver {
  readonly #options: ReceiverOptions;
  /** How often a sender was not understood. */
  readonly #problems = new Map<string, number>();

  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  /** Resolves when everything that the body calls for is durable. Rejects as `NotifiedChanges.mark` does. */
  async take(text: string, sender: Sender): Promise<Taken> {
    const { changes, nameOf } = this.#options;
    const { notices, ignored, problems } = readNotification(text);
    if (problems.length > 0) this.#tell(sender, problems);
    const known = notices.flatMap((notice) => {
      const bucket = nameOf(sender.site, notice.bucket);
      return bucket === undefined ? [] : [{ ...notice, bucket }];
    });
    const marks = known.flatMap(({ bucket, keys, change, versionId }) => {
      const version = versionId === undefined ? {} : { versionId };
      return keys.map((key) =>
        changes.mark(bucket, key, change === "versions" ? undefined : { operation: change, ...version }),
      );
    });
    const ended = await Promise.allSettled(marks);
    const errors: unknown[] = ended.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    if (errors.length > 0) throw worst(errors);
    return { changes: known.length, ignored: ignored + notices.length - known.length, problems };
  }

  /** The first, and then ever more rarely: a sender that is not understood sends on. */
  #tell({ name }: Sender, problems: readonly string[]): void {
    const count = (this.#problems.get(name) ?? 0) + 1;
    this.#problems.set(name, count);
    if (!/^10*$/.test(String(count))) return;
    const often = count === 1 ? "" : ` (${count} times so far)`;
    this.#options.onTrouble(`${name}: not understood${often}: ${problems.join("; ")}`);
  }
}

/** What is broken for good says more than what is too much for now. */
function worst(errors: readonly unknown[]): unknown {
  return errors.find((one) => !(one instanceof NotTakenError)) ?? errors[0];
}
