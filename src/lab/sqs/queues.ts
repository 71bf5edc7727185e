/** The queues that there are: records in memory, and their policies compiled. */
import { type CompiledPolicy, compilePolicy } from "../../core/iam/compile.ts";
import { parsePolicy } from "../../core/iam/parse.ts";
import type { Database } from "../../ledger/database.ts";
import { type Change, ChangeLane, Records, remembered } from "../records.ts";
import type { Queue } from "./model.ts";
import { QUEUES_TABLE } from "./schema.ts";

export class Queues {
  readonly #records: Records<Queue>;
  readonly #lane: ChangeLane;
  readonly #policies = new WeakMap<Queue, CompiledPolicy | undefined>();

  constructor(database: Database) {
    this.#records = new Records({ database, table: QUEUES_TABLE, idOf: ({ arn }) => arn });
    this.#lane = new ChangeLane(database);
  }

  get(arn: string): Queue | undefined {
    return this.#records.get(arn);
  }

  /** In no particular order. */
  all(): IterableIterator<Queue> {
    return this.#records.values();
  }

  /** Undefined for a queue without one. */
  policyOf(queue: Queue): CompiledPolicy | undefined {
    return remembered(this.#policies, queue, () => {
      const { document } = parsePolicy(queue.attributes["Policy"] ?? "", "resource");
      if (document === undefined) return undefined;
      return compilePolicy(document, { kind: "resource", name: `policy of ${queue.name}`, attachedTo: queue.arn });
    });
  }

  /** Changes one queue; `plan` sees it as it is then. What it throws is thrown. */
  change<T>(plan: () => readonly [value: T, after?: Queue]): Promise<T> {
    return this.#lane.run(() => {
      const [value, after] = plan();
      return after === undefined ? [value] : [value, this.#records.put(after)];
    });
  }

  /** Removes a queue with what is in it. Idempotent. */
  remove(arn: string): Promise<void> {
    return this.#lane.run(() => {
      const queue = this.#records.get(arn);
      return queue === undefined ? [undefined] : [undefined, this.#records.remove(queue), emptied(arn)];
    });
  }
}

function emptied(arn: string): Change {
  return {
    write: (connection) => void connection.prepare("DELETE FROM sqs_messages WHERE queue = ?").run(arn),
    apply: () => undefined,
  };
}
