/** What reading logs needs of the command line: a connection when it is asked for, and progress on standard error. */
import type { LogReader } from "../../core/logs/log-reader.ts";
import { type FilesRead, readFiles } from "../../doctor/logs/read-files.ts";
import { plural, sizeWords } from "../../doctor/report.ts";
import type { CommandInput } from "../command.ts";
import { type Connection, connect } from "../connection.ts";
import type { Context } from "../context.ts";
import { filesAt } from "./places.ts";

/** Files on this machine need no credentials: nothing is asked before somebody opens it. */
export function connectOnce(input: CommandInput, context: Context) {
  let made: Promise<Connection> | undefined;
  return {
    open: async (): Promise<Connection> => {
      made ??= connect(input, context);
      return await made;
    },
    close: async (): Promise<void> => {
      const connection = await made?.catch(() => undefined);
      await connection?.close();
    },
  };
}

/** Reads all files at the places, with progress where somebody looks on. @throws UsageError for a path that is not there */
export async function readPlaces(
  reader: LogReader,
  places: readonly string[],
  sinceMs: number | undefined,
  open: () => Promise<Connection>,
  { stderr }: Context,
): Promise<FilesRead> {
  const files = filesAt(places, sinceMs, open);
  if (stderr.isTTY !== true) return await readFiles(reader, files);
  const read = await readFiles(reader, files, ({ files: count, bytes }) =>
    stderr.write(`\r\u001b[Kreading logs: ${plural(count, "file")}, ${sizeWords(bytes)}`),
  );
  stderr.write("\r\u001b[K");
  return read;
}
