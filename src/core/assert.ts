/** Assertions: a failed one is a bug of ours, never bad input and never an answer of a store. */

/** A bug found at run time. The engine records it as a fault of its own, never as a failure of the object. */
export class BugError extends Error {
  override readonly name = "BugError";
}

/** Stops with a BugError unless the condition holds. */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new BugError(what);
}

/** Ends a `switch` over a union: a forgotten case is a compile error, and a bug if it is ever reached. */
export function unreachable(value: never): never {
  throw new BugError(`unreachable case: ${JSON.stringify(value)}`);
}
