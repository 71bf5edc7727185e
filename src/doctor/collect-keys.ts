/** Reads KMS keys as they come to be named: by rules, by versions, and as possible keys for replicas. */
import { parseArn } from "../core/arn.ts";
import type { BucketFacts, Facts, KeyFacts, KeyState, Read } from "../core/diagnose/facts.ts";
import type { Surroundings } from "./ports.ts";
import { read } from "./read.ts";

/** Keys of a Region that are looked at as possible keys for replicas. */
const CANDIDATE_KEYS_MAX = 100;

type Aliases = ReadonlyMap<string, readonly string[]>;

export class KeyRing {
  readonly #surroundings: Surroundings;
  /** By bucket ARN. */
  readonly #destinations: Readonly<Record<string, BucketFacts>>;
  readonly #unread: Set<string>;
  readonly #keys: Record<string, Read<KeyFacts>> = {};
  /** By Region and account. */
  readonly #aliases = new Map<string, Aliases>();
  #candidates: Record<string, readonly KeyFacts[]> | undefined;

  /** @param unread gets what was not read and is of no key alone */
  constructor(surroundings: Surroundings, destinations: Readonly<Record<string, BucketFacts>>, unread: Set<string>) {
    this.#surroundings = surroundings;
    this.#destinations = destinations;
    this.#unread = unread;
  }

  /** What is known so far. */
  facts(): Pick<Facts, "keys" | "candidateKeys"> {
    return { keys: { ...this.#keys }, candidateKeys: this.#candidates ?? {} };
  }

  /** Reads the keys that are not known yet. @returns whether there were any */
  async see(arns: Iterable<string>): Promise<boolean> {
    const unknown = [...new Set(arns)].filter((arn) => this.#keys[arn] === undefined);
    if (unknown.length === 0) return false;
    // Keys that a rule could name are looked for where KMS is in use at all.
    this.#candidates ??= await this.#candidatesByRegion();
    const candidates = Object.values(this.#candidates).flatMap((keys) => keys.map((one) => one.arn));
    for (const arn of [...unknown, ...candidates]) {
      if (this.#keys[arn] !== undefined) continue;
      const key = await read(() => this.#read(arn), this.#remedyFor(arn));
      this.#keys[arn] = key;
      // An alias is another name of the key: policies know it only by its own.
      if (key.state === "read") this.#keys[key.value.arn] ??= key;
    }
    return true;
  }

  async #candidatesByRegion(): Promise<Record<string, readonly KeyFacts[]>> {
    const { kms } = this.#surroundings;
    const found: Record<string, readonly KeyFacts[]> = {};
    for (const { region, account } of Object.values(this.#destinations)) {
      if (region.state !== "read") continue;
      const arns = await read(() => kms.keyArns(region.value, CANDIDATE_KEYS_MAX, account));
      if (arns.state === "unreadable") this.#unread.add(`the keys in ${region.value}: ${arns.because}`);
      const keys = [...(found[region.value] ?? [])];
      for (const arn of arns.state === "read" ? arns.value : []) {
        if (keys.some((one) => one.arn === arn)) continue;
        const key = await read(() => this.#read(arn));
        if (key.state === "read") keys.push(key.value);
        else if (key.state === "unreadable") this.#unread.add(`key ${arn}: ${key.because}`);
      }
      found[region.value] = keys;
    }
    return found;
  }

  async #read(keyArn: string): Promise<KeyFacts | undefined> {
    const { kms } = this.#surroundings;
    const key = await kms.key(keyArn);
    if (key === undefined) return undefined;
    const { region = "", account = "", resource = "" } = parseArn(key.arn) ?? {};
    const remedy = this.#remedyFor(key.arn);
    const aliases = await this.#aliasesIn(region, account);
    return {
      arn: key.arn,
      state: key.state as KeyState,
      managedBy: key.managedBy,
      aliases: aliases.get(resource.replace(/^key\//, "")) ?? [],
      policy: await read(() => kms.policy(key.arn), remedy),
      grants: await read(() => kms.grants(key.arn), remedy),
    };
  }

  async #aliasesIn(region: string, account: string): Promise<Aliases> {
    const place = `${region} ${account}`;
    const known = this.#aliases.get(place);
    if (known !== undefined) return known;
    const asked = await read(() => this.#surroundings.kms.aliases(region, account));
    if (asked.state === "unreadable") this.#unread.add(`the aliases of keys in ${region}: ${asked.because}`);
    const aliases: Aliases = asked.state === "read" ? asked.value : new Map();
    this.#aliases.set(place, aliases);
    return aliases;
  }

  #remedyFor(arn: string): string | undefined {
    return this.#surroundings.remedyFor?.(parseArn(arn)?.account);
  }
}
