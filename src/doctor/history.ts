/**
 * What was applied, kept so that it can be undone: one file per application, written before the first change is made.
 */
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Patch } from "../core/diagnose/report.ts";
import { PRIVATE, writeWhole } from "./write-whole.ts";

/** A set of patches that were applied together. */
export interface Application {
  readonly id: string;
  readonly bucket: string;
  /** Where it was applied: the endpoint, or "aws". */
  readonly endpoint: string;
  readonly accountId: string;
  /** ISO 8601 */
  readonly appliedAt: string;
  readonly patches: readonly Patch[];
  /** ISO 8601; undefined while it is in force. */
  readonly undoneAt?: string;
}

export class History {
  readonly #directory: string;

  /** @param directory made when it is needed */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Writes an application whole or not at all. */
  async save(application: Application): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    await writeWhole(this.#path(application.id), `${JSON.stringify(application, null, 2)}\n`, PRIVATE);
  }

  /** Undefined when there is none of that id. */
  async find(id: string): Promise<Application | undefined> {
    if (!/^[a-z0-9-]+$/.test(id)) return undefined;
    try {
      return JSON.parse(await readFile(this.#path(id), "utf8")) as Application;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** The oldest first. */
  async list(): Promise<Application[]> {
    const names = await readdir(this.#directory).catch(() => []);
    const ids = names.filter((one) => one.endsWith(".json")).map((one) => one.slice(0, -".json".length));
    const found = await Promise.all(ids.map((id) => this.find(id)));
    return found.filter((one) => one !== undefined).sort((a, b) => (a.appliedAt < b.appliedAt ? -1 : 1));
  }

  #path(id: string): string {
    return join(this.#directory, `${id}.json`);
  }
}
