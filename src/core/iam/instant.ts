/**
 * Points in time as policies write them: the ISO 8601 forms of the W3C's note, or seconds since 1970.
 *
 * A date without a time begins at midnight UTC. A time without a zone is taken as UTC too, so that an answer never
 * depends on where the program runs. Four digits alone are a year.
 *
 * @source aws-replication.md §10.2; IAM User Guide, "Date condition operators"
 */

const YEAR = /^\d{4}$/;
const DATE = /^\d{4}-\d{2}(?:-\d{2})?$/;
const DATE_TIME = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:\d{2})?$/;
const SECONDS = /^-?\d{1,15}(?:\.\d{1,9})?$/;

/** Milliseconds since 1970; undefined when the text is none of the forms, or not a date that exists. */
export function parseInstant(text: string): number | undefined {
  if (YEAR.test(text) || DATE.test(text)) return finite(Date.parse(text));
  if (SECONDS.test(text)) return Number(text) * 1000;
  const [, local, zone = "Z"] = DATE_TIME.exec(text) ?? [];
  return local === undefined ? undefined : finite(Date.parse(local + zone));
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
