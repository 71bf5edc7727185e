/** Where a desk stands: which buckets there are, and how each is asked. */
import type { DeskBucket } from "../../console/desk.ts";
import type { Connection } from "../connection.ts";

export interface DeskWorld {
  readonly clock: () => number;
  /** Of the process: where it keeps what it has applied is among it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  buckets(): Promise<readonly DeskBucket[]>;
  /** Opens a connection that asks as the bucket's owner, and closes it after use. @throws AccessError */
  connected<T>(bucket: string, use: (connection: Connection) => Promise<T>): Promise<T>;
}
