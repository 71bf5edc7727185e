/** Small things that go by a name: checkpoints, and who holds what. */
import type { Connection } from "../database.ts";
import { textBehind } from "../pages.ts";
import { CHECKPOINTS_MAX } from "../words.ts";

export function checkpointOf(connection: Connection, name: string): string | undefined {
  const row = connection.prepare("SELECT value FROM checkpoints WHERE name = ?").get(name);
  return row === undefined ? undefined : String(row["value"]);
}

export function setCheckpoint(connection: Connection, name: string, value: string | undefined): void {
  if (value === undefined) connection.prepare("DELETE FROM checkpoints WHERE name = ?").run(name);
  else connection.prepare("INSERT OR REPLACE INTO checkpoints (name, value) VALUES (?, ?)").run(name, value);
}

/** Those whose names begin so, in order. */
export function checkpointsOf(
  connection: Connection,
  prefix: string,
): readonly { readonly name: string; readonly value: string }[] {
  const behind = textBehind(prefix);
  const upper = behind === undefined ? "" : "AND name < ?2";
  return connection
    .prepare(`SELECT name, value FROM checkpoints WHERE name >= ?1 ${upper} ORDER BY name LIMIT ${CHECKPOINTS_MAX}`)
    .all(prefix, ...(behind === undefined ? [] : [behind]))
    .map((row) => ({ name: String(row["name"]), value: String(row["value"]) }));
}

/** False when somebody else holds the name. */
export function holdName(
  connection: Connection,
  hold: { readonly name: string; readonly holder: string; readonly nowMs: number; readonly untilMs: number },
): boolean {
  const { changes } = connection
    .prepare(
      `INSERT INTO holds (name, holder, until_ms) VALUES (?1, ?2, ?3)
       ON CONFLICT (name) DO UPDATE SET holder = ?2, until_ms = ?3 WHERE holder = ?2 OR until_ms <= ?4`,
    )
    .run(hold.name, hold.holder, hold.untilMs, hold.nowMs);
  return changes === 1;
}

export function letGoOfName(connection: Connection, name: string, holder: string): void {
  connection.prepare("DELETE FROM holds WHERE name = ? AND holder = ?").run(name, holder);
}
