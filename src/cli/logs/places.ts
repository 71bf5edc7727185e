/** Where logs lie, as the command line names it: paths of this machine, and prefixes of buckets. */
import { stat } from "node:fs/promises";
import { type LogFile, localFiles, storedFiles } from "../../doctor/logs/sources.ts";
import type { Connection } from "../connection.ts";
import { UsageError } from "../errors.ts";
import { parseS3Uri } from "../s3-uri.ts";

/**
 * All files at the places, one after the other.
 *
 * @param connect is called once, and only when a place is in a bucket
 * @throws UsageError for a path that is not there
 */
export async function* filesAt(
  places: readonly string[],
  sinceMs: number | undefined,
  connect: () => Promise<Connection>,
): AsyncGenerator<LogFile> {
  for (const place of places) {
    if (isStored(place)) {
      const { bucket, key: prefix = "" } = parseS3Uri(place);
      const access = await (await connect()).bucket(bucket);
      yield* storedFiles(access, { bucket, prefix, ...(sinceMs === undefined ? {} : { sinceMs }) });
    } else {
      await stat(place).catch((cause: unknown) => {
        throw new UsageError(`there are no logs at ${place} that may be read`, { cause });
      });
      yield* localFiles(place);
    }
  }
}

function isStored(place: string): boolean {
  return place.startsWith("s3://");
}
