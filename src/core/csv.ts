/** CSV as manifests, reports and inventories have it: one row a line, fields in quotes where they need them, no header. */

/** A text that is not CSV, or not CSV of this kind. */
export class CsvError extends Error {
  override readonly name = "CsvError";
}

/** The fields of one line. @throws CsvError when a quote is not closed, or stands in a field without */
export function fieldsOf(line: string): string[] {
  if (!line.includes('"')) return line.split(",");
  const fields: string[] = [];
  // Each field with a comma before it, the first one too: so an empty field gets ahead as well.
  const text = `,${line}`;
  const field = /,(?:"((?:[^"]|"")*)"|([^",]*))(?=,|$)/gy;
  for (let match = field.exec(text); match !== null; match = field.exec(text)) {
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (field.lastIndex >= text.length) return fields;
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
