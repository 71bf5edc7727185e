/** What every rule of `lockstep lint` has. The rules themselves stand in tables by subject beside this file. */

/**
 * `error`: it is refused, or does not do what it says. `warning`: it works for some versions, or by luck. `note`: it
 * works, and surprises people.
 */
export type Severity = "error" | "warning" | "note";

export interface LintRule {
  readonly severity: Severity;
  /** What is wrong wherever the rule finds something, without a full stop. */
  readonly title: string;
  /** What to do about it, as an order. */
  readonly remedy: string;
  readonly source: string;
  /** AWS has not said so; it is our best guess. */
  readonly unconfirmed?: true;
}
