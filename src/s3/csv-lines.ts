/** The lines of CSV as they come in a stream; `core/csv.ts` reads and prints them. */
import { CsvError } from "../core/csv.ts";

/** Longer lines are no rows of a manifest: a key has 1,024 bytes, percent-encoded three times as many. */
const LINE_LENGTH_MAX = 16 * 1024;

/** Lines of a stream of UTF-8 as they come; empty ones are passed over. @throws CsvError for a line that never ends */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, lengthMax = LINE_LENGTH_MAX): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > lengthMax) throw new CsvError("A line is too long");
    for (const line of lines) if (line !== "" && line !== "\r") yield withoutReturn(line);
  }
  rest += decoder.decode();
  if (rest !== "" && rest !== "\r") yield withoutReturn(rest);
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
