/** Figures and times in words, as the commands say them. */

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;
const COUNT = new Intl.NumberFormat("en-US");
const SHORT = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

/** `1,204,331` */
export function countWords(count: number): string {
  return COUNT.format(count);
}

/** `1.2M`, where there is little room; below ten thousand every digit. */
export function shortCount(count: number): string {
  return count < 10_000 ? COUNT.format(count) : SHORT.format(count);
}

/** `1 task`, `1,204 tasks` */
export function plural(count: number, word: string): string {
  return `${countWords(count)} ${word}${count === 1 ? "" : "s"}`;
}

/** `3.1 MiB` */
export function sizeWords(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${BYTE_UNITS[unit] ?? ""}`;
}

/** `12.4/s`, `1,208/s` */
export function rateWords(perSecond: number): string {
  return `${perSecond >= 100 ? COUNT.format(Math.round(perSecond)) : perSecond.toFixed(1)}/s`;
}

const SPANS = [
  [86_400, "d"],
  [3600, "h"],
  [60, "m"],
  [1, "s"],
] as const;

/** The two largest units of a span: `45s`, `3m 20s`, `2d 4h`; below a second in milliseconds. */
export function spanWords(ms: number): string {
  if (ms > 0 && ms < 1000) return `${Math.round(ms)}ms`;
  let left = Math.max(0, Math.round(ms / 1000));
  const parts: string[] = [];
  for (const [seconds, unit] of SPANS) {
    const count = Math.floor(left / seconds);
    left -= count * seconds;
    if (count > 0) parts.push(`${count}${unit}`);
    else if (parts.length > 0) parts.push("");
    if (parts.length === 2) break;
  }
  return parts.filter((one) => one !== "").join(" ") || "0s";
}

/** `3m 20s ago`, `just now` */
export function agoWords(atMs: number, nowMs: number): string {
  const ms = nowMs - atMs;
  return ms < 2000 ? "just now" : `${spanWords(ms)} ago`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const DAY = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });

/** `20:01:12` */
export function clockWords(atMs: number): string {
  return CLOCK.format(atMs);
}

/** `Nov 23, 2026 20:01:12`, in the person's time zone. */
export function momentWords(atMs: number): string {
  return `${DAY.format(atMs)} ${CLOCK.format(atMs)}`;
}

const BUCKET_ARN = /^arn:[^:]*:s3:[^:]*:[^:]*:([^/]+)$/;

/** The name of a bucket of which the ARN or the name is known. */
export function bucketName(bucketOrArn: string): string {
  return BUCKET_ARN.exec(bucketOrArn)?.[1] ?? bucketOrArn;
}

/** Cuts the middle out of what is too long: both ends of a key tell things apart. */
export function cutMiddle(text: string, most: number): string {
  if (text.length <= most) return text;
  const head = Math.ceil((most - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (most - 1 - head))}`;
}
