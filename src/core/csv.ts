/** CSV as manifests, reports and inventories have it: one row a line, fields in quotes where they need them, no header. */

/** A text that is not CSV, or not CSV of this kind. */
export class CsvError extends Error {
  override readonly name = "CsvError";
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
