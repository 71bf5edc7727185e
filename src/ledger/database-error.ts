/** What is wrong with a database as a whole, whichever kind it is of: for the person who runs it. */

/**
 * The file or the server cannot be used: it says which one, why, and what to do.
 *
 * - `newerVersion`: its tables were made by a newer version of Lockstep;
 * - `foreign`: it holds something else;
 * - `locked`: somebody else has it, or holds up this call for too long;
 * - `full`: its disk is;
 * - `io`: it cannot be read, written or reached.
 */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  readonly reason: "newerVersion" | "foreign" | "locked" | "full" | "io";

  constructor(reason: DatabaseError["reason"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
