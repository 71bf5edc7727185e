/** Jobs that were made from here, one file each, so that a command that was interrupted can be taken up again. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface JobNote {
  readonly id: string;
  readonly bucket: string;
  /** Where it was made: the endpoint, or "aws". */
  readonly endpoint: string;
  readonly accountId: string;
  /** ISO 8601 */
  readonly madeAt: string;
}

export class JobNotes {
  readonly #directory: string;

  /** @param directory made when it is needed */
  constructor(directory: string) {
    this.#directory = directory;
  }

  async save(note: JobNote): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    await writeFile(join(this.#directory, `${note.id}.json`), `${JSON.stringify(note, null, 2)}\n`, { mode: 0o600 });
  }

  /** Of one bucket, the oldest first. A file that was cut off is passed over: the job can still be named. */
  async list({ bucket, endpoint }: Pick<JobNote, "bucket" | "endpoint">): Promise<JobNote[]> {
    const names = await readdir(this.#directory).catch(() => []);
    const found: JobNote[] = [];
    for (const name of names.filter((one) => one.endsWith(".json"))) {
      const text = await readFile(join(this.#directory, name), "utf8");
      const note = noteIn(text);
      if (note?.bucket === bucket && note.endpoint === endpoint) found.push(note);
    }
    return found.sort((a, b) => (a.madeAt < b.madeAt ? -1 : 1));
  }
}

function noteIn(text: string): JobNote | undefined {
  try {
    return JSON.parse(text) as JobNote;
  } catch {
    return undefined;
  }
}
