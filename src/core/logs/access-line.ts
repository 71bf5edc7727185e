/**
 * Reads one line of a server access log: the fields by which a failed call is told, out of the 27 (older logs have fewer).
 *
 * A scanner by hand, for there are millions of lines. It goes from the beginning: a request's target holds no space, so the
 * first place that looks like status, error and numbers is theirs. Referer and user agent come after it, hold whatever a
 * caller sent, stray quotation marks too, and can forge nothing.
 *
 * @source aws-replication.md §9.1
 */

/** Anything longer is no line of a log: S3's limits of URLs and headers leave far less. */
export const LINE_LENGTH_MAX = 64 * 1024;

const SPACE = 32;
const QUOTE = 34;
const HYPHEN = 45;
const SLASH = 47;
const COLON = 58;
const OPEN = 91;

/** One object for all lines: `read` sets it to a line, the properties take out of it what is asked for. */
export class AccessLine {
  /** 0 for `-`: what S3 does by itself has no status. */
  status = 0;
  #line = "";
  #bucketFrom = 0;
  #timeFrom = 0;
  #requesterFrom = 0;
  #requestIdFrom = 0;
  #operationFrom = 0;
  #keyFrom = 0;
  #requestFrom = 0;
  #errorFrom = 0;
  #errorTo = 0;
  #numbersTo = 0;

  /** @param line without its end @returns false for what is no such line; then the properties say nothing */
  read(line: string): boolean {
    this.#line = line;
    const bucketFrom = line.indexOf(" ") + 1;
    const timeFrom = line.indexOf(" ", bucketFrom) + 1;
    if (bucketFrom === 0 || timeFrom === 0 || line.charCodeAt(timeFrom) !== OPEN) return false;
    const ipFrom = line.indexOf("] ", timeFrom) + 2;
    const requesterFrom = line.indexOf(" ", ipFrom) + 1;
    const requestIdFrom = line.indexOf(" ", requesterFrom) + 1;
    const operationFrom = line.indexOf(" ", requestIdFrom) + 1;
    const keyFrom = line.indexOf(" ", operationFrom) + 1;
    const requestFrom = line.indexOf(" ", keyFrom) + 1;
    if (ipFrom === 1 || requesterFrom === 0 || requestIdFrom === 0 || operationFrom === 0) return false;
    if (keyFrom === 0 || requestFrom === 0) return false;
    this.#bucketFrom = bucketFrom;
    this.#timeFrom = timeFrom;
    this.#requesterFrom = requesterFrom;
    this.#requestIdFrom = requestIdFrom;
    this.#operationFrom = operationFrom;
    this.#keyFrom = keyFrom;
    this.#requestFrom = requestFrom;
    return this.#findStatus(requestFrom);
  }

  get bucket(): string {
    return this.#line.slice(this.#bucketFrom, this.#timeFrom - 1);
  }

  /** `06/Feb/2019:00:00:38 +0000` */
  get time(): string {
    return this.#line.slice(this.#timeFrom + 1, this.#line.indexOf("]", this.#timeFrom));
  }

  /** A canonical user id or an ARN; `-` for nobody. */
  get requester(): string {
    return this.#line.slice(this.#requesterFrom, this.#requestIdFrom - 1);
  }

  /** Whether the requester's name ends so, told without taking it out. */
  requesterEndsWith(end: string): boolean {
    return this.#line.startsWith(end, this.#requestIdFrom - 1 - end.length);
  }

  get requestId(): string {
    return this.#line.slice(this.#requestIdFrom, this.#operationFrom - 1);
  }

  /** `REST.PUT.OBJECT` */
  get operation(): string {
    return this.#line.slice(this.#operationFrom, this.#keyFrom - 1);
  }

  /** Decoded; undefined for `-`. */
  get key(): string | undefined {
    const written = this.#line.slice(this.#keyFrom, this.#requestFrom - 1);
    return written === "-" ? undefined : decodedKey(written);
  }

  get errorCode(): string | undefined {
    const code = this.#line.slice(this.#errorFrom, this.#errorTo);
    return code === "-" || code === "" ? undefined : code;
  }

  /** The version that the request named, not the one that came of it. */
  get versionId(): string | undefined {
    const line = this.#line;
    const lastQuote = line.lastIndexOf('"');
    // Without quotation marks referer and user agent are hyphens.
    const from = lastQuote > this.#numbersTo ? lastQuote + 2 : this.#numbersTo + 4;
    const to = line.indexOf(" ", from);
    const id = line.slice(from, to < 0 ? line.length : to);
    return id === "-" || id === "" ? undefined : id;
  }

  #findStatus(requestFrom: number): boolean {
    const line = this.#line;
    if (line.charCodeAt(requestFrom) !== QUOTE) return this.#isStatusAt(line.indexOf(" ", requestFrom) + 1);
    let at = line.indexOf('" ', requestFrom + 1);
    while (at >= 0) {
      if (this.#isStatusAt(at + 2)) return true;
      at = line.indexOf('" ', at + 1);
    }
    return false;
  }

  /** Status, error code and four numbers, each of which may be a hyphen; a line that is cut short may end between them. */
  #isStatusAt(from: number): boolean {
    const line = this.#line;
    if (from === 0) return false;
    const errorFrom = this.#statusEnd(from) + 1;
    if (errorFrom === 0) return false;
    const errorTo = endOfField(line, errorFrom);
    this.#errorFrom = errorFrom;
    this.#errorTo = errorTo;
    this.#numbersTo = 0;
    // Nobody asks further of what went well, and that is nearly every line.
    if (this.status > 0 && this.status < 400) return errorTo === errorFrom + 1 && line.charCodeAt(errorFrom) === HYPHEN;
    if (!isWord(line, errorFrom, errorTo)) return false;
    let at = errorTo;
    for (let field = 0; field < 4 && at < line.length; field++) {
      const to = endOfField(line, at + 1);
      if (!isNumberOrHyphen(line, at + 1, to)) return false;
      at = to;
    }
    this.#numbersTo = at + 1;
    return true;
  }

  /** Sets the status; -1 when there is none here. */
  #statusEnd(from: number): number {
    const line = this.#line;
    if (line.charCodeAt(from) === HYPHEN) {
      this.status = 0;
      return line.charCodeAt(from + 1) === SPACE ? from + 1 : -1;
    }
    const status = numberAt(line, from, 3);
    if (status === undefined || line.charCodeAt(from + 3) !== SPACE) return -1;
    this.status = status;
    return from + 3;
  }
}

function endOfField(line: string, from: number): number {
  const to = line.indexOf(" ", from);
  return to < 0 ? line.length : to;
}

function isWord(line: string, from: number, to: number): boolean {
  if (from === to) return false;
  for (let at = from; at < to; at++) {
    const code = line.charCodeAt(at) | 32;
    const isLetter = code >= 97 && code <= 122;
    if (!isLetter && !isDigit(line.charCodeAt(at)) && !PUNCTUATION.has(line.charCodeAt(at))) return false;
  }
  return true;
}

/** Hyphen, full stop, underscore: `KMS.DisabledException`. */
const PUNCTUATION: ReadonlySet<number> = new Set([HYPHEN, 46, 95]);

function isNumberOrHyphen(line: string, from: number, to: number): boolean {
  if (to === from + 1 && line.charCodeAt(from) === HYPHEN) return true;
  for (let at = from; at < to; at++) if (!isDigit(line.charCodeAt(at))) return false;
  return to > from;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function numberAt(text: string, from: number, length: number): number | undefined {
  let value = 0;
  for (let at = from; at < from + length; at++) {
    const code = text.charCodeAt(at);
    if (!isDigit(code)) return undefined;
    value = value * 10 + code - 48;
  }
  return value;
}

const MONTHS: ReadonlyMap<string, number> = new Map(
  ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"].map((name, at) => [name, at]),
);

/** `06/Feb/2019:00:00:38 +0000`, or with the month's whole name; undefined for what is no such date. */
export function logTimeMs(text: string): number | undefined {
  const slash = text.indexOf("/", 3);
  const month = MONTHS.get(text.slice(3, 6));
  if (text.charCodeAt(2) !== SLASH || slash < 0 || month === undefined) return undefined;
  const rest = slash + 1;
  const day = numberAt(text, 0, 2);
  const year = numberAt(text, rest, 4);
  const hour = numberAt(text, rest + 5, 2);
  const minute = numberAt(text, rest + 8, 2);
  const second = numberAt(text, rest + 11, 2);
  const zoneHours = numberAt(text, rest + 15, 2);
  const zoneMinutes = numberAt(text, rest + 17, 2);
  if (text.charCodeAt(rest + 4) !== COLON || day === undefined || year === undefined) return undefined;
  if (hour === undefined || minute === undefined || second === undefined) return undefined;
  if (zoneHours === undefined || zoneMinutes === undefined) return undefined;
  const zoneMs = (zoneHours * 60 + zoneMinutes) * 60_000;
  const isWest = text.charCodeAt(rest + 14) === HYPHEN;
  return Date.UTC(year, month, day, hour, minute, second) + (isWest ? zoneMs : -zoneMs);
}

/** Encoded as in a form, and once more, as seen of S3. What cannot be decoded stays as it is. */
function decodedKey(written: string): string {
  if (!written.includes("%") && !written.includes("+")) return written;
  try {
    const once = decodeURIComponent(written);
    return decodeURIComponent(once.replaceAll("+", " "));
  } catch {
    return written;
  }
}
