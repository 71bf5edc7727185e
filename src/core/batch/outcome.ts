/**
 * What a job has come to: counts by code of its report's rows, and some versions to look at.
 *
 * DescribeJob's own counters are not believed: a job that replicated a hundred thousand versions has told of one.
 *
 * @source aws-replication.md §6.4, §6.6
 */
import { failureCode, failureEntry } from "../failures/catalogue.ts";
import { isTransient } from "../failures/classify.ts";
import type { ReportRow } from "./report.ts";
import { Spread } from "./spread.ts";

export interface FailedTasks {
  /** As the report has it. */
  readonly code: string;
  readonly tasks: number;
  /** In the catalogue's words; the report's own where the code is none of the catalogue. */
  readonly title: string;
  readonly remedy: string;
  /** Whether another job of the same would fail alike, as long as nobody changes anything. */
  readonly permanent: boolean;
  readonly samples: readonly { readonly key: string; readonly versionId: string }[];
}

export interface JobOutcome {
  readonly succeeded: number;
  readonly failed: number;
  /** Lines that are no rows of a report. */
  readonly unread: number;
  /** The most frequent first. */
  readonly failures: readonly FailedTasks[];
}

interface Group {
  tasks: number;
  readonly message: string;
  readonly samples: { readonly key: string; readonly versionId: string }[];
}

const SAMPLES_MAX = 5;
const CODES_MAX = 1000;

/** Takes the rows of a report one by one; memory does not grow with their number. */
export class OutcomeCount {
  /** Of those that succeeded, spread evenly over the report. */
  readonly sample: Spread<ReportRow>;
  readonly #groups = new Map<string, Group>();
  #succeeded = 0;
  #failed = 0;
  #unread = 0;

  /** @param sampled how many to keep for a look, about */
  constructor(sampled: number) {
    this.sample = new Spread(sampled);
  }

  /** @param row undefined for a line that is none */
  add(row: ReportRow | undefined): void {
    if (row === undefined) {
      this.#unread += 1;
      return;
    }
    if (row.succeeded) {
      this.#succeeded += 1;
      this.sample.add(row);
      return;
    }
    this.#failed += 1;
    const name = this.#groups.has(row.code) || this.#groups.size < CODES_MAX ? row.code : "others";
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = { tasks: 0, message: row.message, samples: [] };
      this.#groups.set(name, group);
    }
    group.tasks += 1;
    if (group.samples.length < SAMPLES_MAX) group.samples.push({ key: row.key, versionId: row.versionId });
  }

  outcome(): JobOutcome {
    const failures = [...this.#groups].map(([code, group]) => failedTasks(code, group));
    return {
      succeeded: this.#succeeded,
      failed: this.#failed,
      unread: this.#unread,
      failures: failures.sort((a, b) => b.tasks - a.tasks),
    };
  }
}

/** `SrcObjectNotEligible` comes with HTTP 500 and is permanent all the same: what counts is the code. */
function failedTasks(name: string, { tasks, message, samples }: Group): FailedTasks {
  const code = failureCode(name);
  if (code === undefined) {
    const title = message === "" ? "The report does not say why" : message;
    return { code: name, tasks, title, remedy: "The catalogue does not know this code", permanent: false, samples };
  }
  const { title, remedy } = failureEntry(code);
  return { code, tasks, title, remedy, permanent: !isTransient(code), samples };
}
