/** Files that are there whole or not at all, also after a crash. */
import { open, rename } from "node:fs/promises";

/** What only its owner may read. */
export const PRIVATE = 0o600;

/** @param mode as the process' own mask allows; left out: whoever the mask allows may read and write it */
export async function writeWhole(path: string, text: string, mode?: number): Promise<void> {
  const file = await open(`${path}.new`, "w", mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
