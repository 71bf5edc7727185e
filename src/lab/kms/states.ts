/**
 * What can be done with a key in each state, and the refusal otherwise.
 *
 * @source aws-replication.md §10.4; KMS Developer Guide, "Key states of AWS KMS keys"
 */
import { kmsError } from "./errors.ts";
import { type Key, type KeyState, keyArn } from "./model.ts";

/**
 * Kinds of operations that depend on the state: `use` is cryptography, `grant` is CreateGrant, `switch` is enabling and
 * disabling, `rotation` is about automatic rotation, `change` is everything else that changes the key or what points
 * to it, `save` is CancelKeyDeletion. Reading a key and its policy, PutKeyPolicy and ending grants work in every state.
 */
export type Need = "use" | "grant" | "switch" | "rotation" | "change" | "save";

const WORKS_IN: Readonly<Record<Need, readonly KeyState[]>> = {
  use: ["Enabled"],
  grant: ["Enabled", "Unavailable"],
  switch: ["Enabled", "Disabled"],
  rotation: ["Enabled", "Disabled"],
  change: ["Enabled", "Disabled", "PendingImport", "Unavailable"],
  save: ["PendingDeletion"],
};

/** For PendingDeletion the documentation allows DisabledException too; this is what callers report. */
const SAYS: Readonly<Record<KeyState, string>> = {
  Enabled: "is enabled",
  Disabled: "is disabled",
  PendingDeletion: "is pending deletion",
  PendingImport: "is pending import",
  Unavailable: "is unavailable",
  Creating: "is creating",
  Updating: "is updating",
};

/** @throws ServiceError DisabledException, KMSInvalidStateException */
export function requireState(key: Key, need: Need): void {
  if (WORKS_IN[need].includes(key.state)) return;
  if (need === "save") throw kmsError("KMSInvalidStateException", `${keyArn(key)} is not pending deletion.`);
  const code = key.state === "Disabled" ? "DisabledException" : "KMSInvalidStateException";
  throw kmsError(code, `${keyArn(key)} ${SAYS[key.state]}.`);
}
