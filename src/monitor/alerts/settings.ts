/** When conditions hold, and how long they must: the defaults, which a configuration changes one by one. */
import type { ConditionName, Severity } from "./model.ts";

export interface ConditionSettings {
  readonly severity: Severity;
  /** From this value on it holds: versions, milliseconds, redrives; as the condition counts. */
  readonly over: number;
  /** Below this value it holds no more; in between an alert that fires goes on, and none begins. */
  readonly below: number;
  /** It must hold for so long before it fires. */
  readonly forMs: number;
  /** It must hold no more for so long before it is resolved. */
  readonly keepMs: number;
  /** It is told again after so long; 0: never. */
  readonly repeatMs: number;
}

export interface AlertSettings {
  /** From one look to the next. */
  readonly everyMs: number;
  /** Conditions that are left out are not looked at. */
  readonly conditions: Readonly<Partial<Record<ConditionName, ConditionSettings>>>;
}

const [SECOND, MINUTE, HOUR] = [1000, 60_000, 3_600_000];

export const CONDITION_DEFAULTS: Readonly<Record<ConditionName, ConditionSettings>> = {
  newCause: { severity: "warning", over: 1, below: 1, forMs: 0, keepMs: 30 * SECOND, repeatMs: 0 },
  failed: { severity: "critical", over: 1000, below: 500, forMs: MINUTE, keepMs: 5 * MINUTE, repeatMs: 4 * HOUR },
  redriven: { severity: "warning", over: 5, below: 5, forMs: 0, keepMs: 30 * MINUTE, repeatMs: 24 * HOUR },
  lag: {
    severity: "warning",
    over: 15 * MINUTE,
    below: 10 * MINUTE,
    forMs: 5 * MINUTE,
    keepMs: 5 * MINUTE,
    repeatMs: 4 * HOUR,
  },
  // `over` and `below` are versions that came to the backlog within the window, which is `GROWTH_MS`.
  backlogGrowing: { severity: "warning", over: 1000, below: 1, forMs: 0, keepMs: 5 * MINUTE, repeatMs: 4 * HOUR },
  oldestPending: {
    severity: "critical",
    over: HOUR,
    below: 30 * MINUTE,
    forMs: MINUTE,
    keepMs: 5 * MINUTE,
    repeatMs: 4 * HOUR,
  },
  breakerOpen: { severity: "critical", over: 1, below: 1, forMs: 2 * MINUTE, keepMs: MINUTE, repeatMs: 4 * HOUR },
  canaryFailed: { severity: "critical", over: 1, below: 1, forMs: 0, keepMs: 0, repeatMs: 4 * HOUR },
  auditDifferences: { severity: "critical", over: 1, below: 1, forMs: 0, keepMs: 0, repeatMs: 24 * HOUR },
  checkFailed: { severity: "warning", over: 1, below: 1, forMs: 0, keepMs: 0, repeatMs: 24 * HOUR },
  drift: { severity: "warning", over: 1, below: 1, forMs: 0, keepMs: 0, repeatMs: 24 * HOUR },
};

export const DEFAULT_ALERT_SETTINGS: AlertSettings = { everyMs: 15 * SECOND, conditions: CONDITION_DEFAULTS };
