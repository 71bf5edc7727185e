/** What is replicated where the console runs: `cli` hands it in, from a configuration file or from the lab. */

export interface Replication {
  /** What it is called in commands: the name in the configuration, or the bucket's. */
  readonly name: string;
  /** The bucket that is replicated, by its name in the ledger. */
  readonly bucket: string;
  /** Its versions show their replication status at the store itself. */
  readonly showsStatus: boolean;
}

/** One as the console tells it. */
export interface KnownReplication extends Replication {
  readonly pausedSinceMs?: number;
}

export interface Replications {
  /** Those that are known of themselves. */
  list(): Promise<readonly Replication[]>;
  /** By its name, or by its bucket's. */
  find(name: string): Promise<Replication | undefined>;
}
