/** CSV as manifests and reports have it: one row a line, fields in quotes where they need them, no header. */

/** Longer lines are no rows of a manifest: a key has 1,024 bytes, percent-encoded three times as many. */
const LINE_LENGTH_MAX = 16 * 1024;

/** A text that is not CSV, or not CSV of this kind. */
export class CsvError extends Error {
  override readonly name = "CsvError";
}

/** Lines of a stream of UTF-8 as they come; empty ones are passed over. @throws CsvError for a line that never ends */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LINE_LENGTH_MAX) throw new CsvError("A line is too long");
    for (const line of lines) if (line !== "" && line !== "\r") yield withoutReturn(line);
  }
  rest += decoder.decode();
  if (rest !== "" && rest !== "\r") yield withoutReturn(rest);
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

/** The fields of one line. @throws CsvError when a quote is not closed, or stands in a field without */
export function fieldsOf(line: string): string[] {
  if (!line.includes('"')) return line.split(",");
  const fields: string[] = [];
  const field = /(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))(?=,|$)/gy;
  let end = 0;
  for (let match = field.exec(line); match !== null; match = field.exec(line)) {
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    end = field.lastIndex;
    if (end >= line.length) return fields;
  }
  throw new CsvError(`A quote is not closed in column ${fields.length + 1}`);
}

/** One line, with its end. */
export function lineOf(fields: readonly (string | number)[]): string {
  return `${fields.map((one) => quoted(String(one))).join(",")}\n`;
}

function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
