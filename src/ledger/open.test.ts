import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DatabaseError } from "./database.ts";
import { LedgerUrlError, openLedger } from "./open.ts";

describe("openLedger", () => {
  it("opens a file, and makes it when it is not there", async () => {
    const directory = mkdtempSync(join(tmpdir(), "lockstep-open-"));
    try {
      const url = `sqlite:${join(directory, "a b%20?.db")}`;
      const first = await openLedger(url);
      await first.setCheckpoint("feed", "7");
      await first.close();
      assert.ok(existsSync(join(directory, "a b%20?.db")));
      const second = await openLedger(url);
      assert.equal(await second.checkpoint("feed"), "7");
      await second.close();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("opens one in memory, each time another", async () => {
    const [one, other] = [await openLedger("sqlite::memory:"), await openLedger("sqlite::memory:")];
    await one.setCheckpoint("feed", "7");
    assert.equal(await other.checkpoint("feed"), undefined);
    await one.close();
    await other.close();
  });

  it("names what it supports when the URL names nothing that it knows, and never repeats a password", async () => {
    for (const url of [
      "redis://me:secret@db/lockstep",
      "./lockstep.db",
      "",
      "sqlite:",
      ":memory:",
      "postgres://me:secret@db:x/y",
    ]) {
      await assert.rejects(openLedger(url), (error) => {
        assert.ok(error instanceof LedgerUrlError);
        assert.match(error.message, /sqlite:PATH/);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
    }
  });

  it("says why a file cannot be used", async () => {
    await assert.rejects(openLedger("sqlite:/no/such/directory/ledger.db"), DatabaseError);
  });
});
