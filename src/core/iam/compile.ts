/** Placeholder of the spine: replaced by the compiler of policy documents. */
import type { PolicySource } from "./model.ts";

export interface CompiledPolicy {
  readonly source: PolicySource;
}
