/** Small things that go by a name: checkpoints, and who holds what. */
import { textBehind } from "../pages.ts";
import { CHECKPOINTS_MAX } from "../words.ts";
import type { Server } from "./server.ts";

/** @see Ledger.checkpoint */
export async function checkpointOf(server: Server, name: string): Promise<string | undefined> {
  const [row] = await server.query("SELECT value FROM checkpoints WHERE name = $1", [name]);
  return row === undefined ? undefined : String(row["value"]);
}

/** @see Ledger.setCheckpoint */
export async function setCheckpoint(server: Server, name: string, value: string | undefined): Promise<void> {
  if (value === undefined) {
    await server.query("DELETE FROM checkpoints WHERE name = $1", [name]);
    return;
  }
  await server.query(
    "INSERT INTO checkpoints VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value",
    [name, value],
  );
}

/** @see Ledger.checkpoints */
export async function checkpointsOf(
  server: Server,
  prefix: string,
): Promise<readonly { readonly name: string; readonly value: string }[]> {
  const rows = await server.query(
    `SELECT name, value FROM checkpoints WHERE name >= $1 AND ($2::text IS NULL OR name < $2)
     ORDER BY name LIMIT ${CHECKPOINTS_MAX}`,
    [prefix, textBehind(prefix) ?? null],
  );
  return rows.map((row) => ({ name: String(row["name"]), value: String(row["value"]) }));
}

/** @see Ledger.hold */
export async function holdName(
  server: Server,
  hold: { readonly name: string; readonly holder: string; readonly nowMs: number; readonly untilMs: number },
): Promise<boolean> {
  const rows = await server.query(
    `INSERT INTO holds AS h (name, holder, until_ms) VALUES ($1, $2, $3)
     ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, until_ms = EXCLUDED.until_ms
       WHERE h.holder = EXCLUDED.holder OR h.until_ms <= $4 RETURNING name`,
    [hold.name, hold.holder, hold.untilMs, hold.nowMs],
  );
  return rows.length === 1;
}

/** @see Ledger.letGo */
export async function letGoOfName(server: Server, name: string, holder: string): Promise<void> {
  await server.query("DELETE FROM holds WHERE name = $1 AND holder = $2", [name, holder]);
}
