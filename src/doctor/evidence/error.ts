/** Evidence that cannot be used: a file that is not what it should be, or is not there. */
export class EvidenceError extends Error {
  override readonly name = "EvidenceError";
}
