/**
 * Which FAILED versions were redriven again and again: all of them are looked at in turns, a limited number at each look,
 * so that a million of them cost no more than a few.
 */
import type { Ledger, TaskRow } from "../../ledger/ledger.ts";
import { type Cause, causeName, type Redriven } from "./conditions.ts";

/** Of one look: rows, and pages of them. */
const ROWS_MAX = 2000;
const PAGES_MAX = 50;
const PAGE = 500;

type Found = Map<string, Redriven>;

export class RedriveSweep {
  readonly #ledger: Pick<Ledger, "list">;
  /** Of the turn under way: what is left of it, begun with the first. */
  #left: { readonly cause: Cause; after?: string }[] | undefined;
  #current: Found = new Map();
  /** Of the last turn; undefined until the first has ended. */
  #last: Found | undefined;

  constructor(ledger: Pick<Ledger, "list">) {
    this.#ledger = ledger;
  }

  /**
   * Looks at the next rows. One cause after the other: a page of all of them together costs a page of each.
   *
   * @param redrivesMin rows that were redriven less often are left out
   * @param causes of everything that is FAILED now
   * @returns what is known of all; undefined until all have been looked at once
   */
  async look(redrivesMin: number, causes: readonly Cause[]): Promise<readonly Redriven[] | undefined> {
    this.#left ??= causes.map((cause) => ({ cause }));
    let rows = 0;
    for (let pages = 0; pages < PAGES_MAX && rows < ROWS_MAX; pages++) {
      const [first] = this.#left;
      if (first === undefined) break;
      const { bucket, ruleId, destinationArn, code } = first.cause;
      const page = await this.#ledger.list(
        { state: "parked", bucket, ruleId, destinationArn, failureCodes: [code] },
        { limit: PAGE, ...(first.after === undefined ? {} : { after: first.after }) },
      );
      for (const row of page.tasks) if (row.redrives >= redrivesMin) this.#add(row);
      rows += page.tasks.length;
      if (page.next === undefined) this.#left.shift();
      else first.after = page.next;
    }
    if (this.#left.length === 0) {
      this.#left = undefined;
      this.#last = this.#current;
      this.#current = new Map();
    }
    if (this.#last === undefined) return undefined;
    return [...new Map([...this.#last, ...this.#current]).values()];
  }

  #add({ version, ruleId, destinationArn, failure, redrives }: TaskRow): void {
    const cause: Cause = { bucket: version.bucket, ruleId, destinationArn, code: failure?.code ?? "UnknownAnswer" };
    const name = causeName(cause);
    const before = this.#current.get(name);
    const isMost = before === undefined || redrives > before.most;
    this.#current.set(name, {
      ...cause,
      versions: (before?.versions ?? 0) + 1,
      most: isMost ? redrives : before.most,
      key: isMost ? version.key : before.key,
    });
  }
}

const EXAMPLE_PAGES_MAX = 5;

/** The key of a version that is FAILED for this cause; undefined when none is found soon. */
export async function exampleOf(
  ledger: Pick<Ledger, "list">,
  { bucket, ruleId, destinationArn, code }: Cause,
): Promise<string | undefined> {
  let after: string | undefined;
  for (let pages = 0; pages < EXAMPLE_PAGES_MAX; pages++) {
    const page = await ledger.list(
      { bucket, ruleId, destinationArn, state: "parked", failureCodes: [code] },
      { limit: 1, ...(after === undefined ? {} : { after }) },
    );
    const [row] = page.tasks;
    if (row !== undefined) return row.version.key;
    after = page.next;
    if (after === undefined) return undefined;
  }
  return undefined;
}
