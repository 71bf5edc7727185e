/**
 * IP addresses and ranges, as `IpAddress` conditions write them: IPv4 and IPv6, with or without a prefix length.
 *
 * An IPv4 address in IPv6 form (`::ffff:192.0.2.1`) is that IPv4 address.
 */

/** An address or a range, as groups of 16 bits: two of them for IPv4, eight for IPv6. */
export interface IpRange {
  readonly groups: readonly number[];
  /** How many leading bits count: all of them for a single address. */
  readonly prefixBits: number;
}

const GROUP_BITS = 16;
const IPV4_GROUPS = 2;
const IPV6_GROUPS = 8;
const MAPPED_PREFIX_BITS = 96;
// Leading zeros are refused: some readers take such octets for octal.
const OCTET = /^(?:0|[1-9]\d{0,2})$/;
const HEX_GROUP = /^[0-9A-Fa-f]{1,4}$/;
const PREFIX = /^\d{1,3}$/;

/** Reads an address or a range; undefined when the text is neither. */
export function parseIpRange(text: string): IpRange | undefined {
  const slash = text.indexOf("/");
  const groups = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (groups === undefined) return undefined;
  const bits = groups.length * GROUP_BITS;
  const prefixText = slash < 0 ? String(bits) : text.slice(slash + 1);
  const prefixBits = PREFIX.test(prefixText) ? Number(prefixText) : Number.POSITIVE_INFINITY;
  if (prefixBits > bits) return undefined;
  if (isMappedIpv4(groups) && prefixBits >= MAPPED_PREFIX_BITS) {
    return { groups: groups.slice(IPV6_GROUPS - IPV4_GROUPS), prefixBits: prefixBits - MAPPED_PREFIX_BITS };
  }
  return { groups, prefixBits };
}

/** Whether an address, or the whole of a smaller range, lies in the range. */
export function ipRangeHolds(range: IpRange, inner: IpRange): boolean {
  if (range.groups.length !== inner.groups.length || inner.prefixBits < range.prefixBits) return false;
  let bits = range.prefixBits;
  for (let index = 0; bits > 0; index += 1, bits -= GROUP_BITS) {
    const dropped = Math.max(0, GROUP_BITS - bits);
    if ((range.groups[index] ?? 0) >> dropped !== (inner.groups[index] ?? 0) >> dropped) return false;
  }
  return true;
}

function isMappedIpv4(groups: readonly number[]): boolean {
  return groups.length === IPV6_GROUPS && groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
}

function parseAddress(text: string): number[] | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): number[] | undefined {
  const octets = text.split(".");
  if (octets.length !== 4 || !octets.every((octet) => OCTET.test(octet) && Number(octet) <= 255)) return undefined;
  const [first = 0, second = 0, third = 0, fourth = 0] = octets.map(Number);
  return [first * 256 + second, third * 256 + fourth];
}

function parseIpv6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [before, after] = halves.map(parseGroups);
  if (before === undefined) return undefined;
  if (halves.length === 1) return before.length === IPV6_GROUPS ? before : undefined;
  if (after === undefined) return undefined;
  const zeros = IPV6_GROUPS - before.length - after.length;
  return zeros < 1 ? undefined : [...before, ...Array.from({ length: zeros }, () => 0), ...after];
}

/** Groups between colons; the last one may be an IPv4 address. */
function parseGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const words = text.split(":");
  if (words.length > IPV6_GROUPS) return undefined;
  const groups: number[] = [];
  for (const [index, word] of words.entries()) {
    if (HEX_GROUP.test(word)) groups.push(Number.parseInt(word, 16));
    else {
      const ipv4 = index === words.length - 1 ? parseIpv4(word) : undefined;
      if (ipv4 === undefined) return undefined;
      groups.push(...ipv4);
    }
  }
  return groups;
}
