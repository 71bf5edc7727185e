import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Credentials } from "../../core/model.ts";
import type { Database } from "../../ledger/database.ts";
import { createAuthoriser } from "../authorise.ts";
import { openLabDatabase } from "../database.ts";
import type { Caller } from "../model.ts";
import { openSecrets, SecretsError } from "../secrets.ts";
import { createIdentity, type IdentityService } from "./identity.ts";

const ACCOUNT = "111122223333";
const ROLE = `arn:aws:iam::${ACCOUNT}:role/r`;
const NOW_MS = Date.parse("2026-03-01T00:00:00Z");

describe("credentials, out of memory", () => {
  let directory: string;
  let database: Database;
  let lab: IdentityService;
  let root: Credentials;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "lockstep-callers-"));
    database = openLabDatabase(join(directory, "lab.db"));
    lab = open(directory);
    root = await lab.identity.ensureAccount(ACCOUNT);
    await iam("CreateRole", { RoleName: "r", AssumeRolePolicyDocument: trust("s3.amazonaws.com") });
  });
  afterEach(async () => {
    await database.close();
    rmSync(directory, { recursive: true });
  });

  function open(secretsDirectory: string | undefined): IdentityService {
    const secrets = openSecrets(secretsDirectory);
    return createIdentity({ database, secrets, authoriser: createAuthoriser(), clock: () => NOW_MS });
  }

  function trust(service: string): string {
    const statement = { Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" };
    return JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  }

  function callerOf({ accessKeyId, sessionToken }: Credentials): Caller {
    const answer = lab.identity.credential(accessKeyId, sessionToken, NOW_MS);
    assert.ok("caller" in answer);
    return answer.caller;
  }

  async function iam(action: string, parameters: Record<string, string>): Promise<void> {
    await lab.iamSkin.handle({
      caller: callerOf(root),
      region: "us-east-1",
      requestId: "1",
      nowMs: NOW_MS,
      context: {},
      method: "POST",
      rawPath: "/",
      query: new Map(),
      headers: {},
      readBody: async () => Buffer.from(new URLSearchParams({ Action: action, ...parameters }).toString()),
    });
  }

  const assume = (sessionName: string) =>
    lab.identity.assumeForService({ service: "s3.amazonaws.com", roleArn: ROLE, sessionName, nowMs: NOW_MS });

  it("are the same object from call to call, also while sessions are made, until IAM changes", async () => {
    const session = await assume("one");
    const caller = callerOf(session);
    await assume("two");
    assert.equal(callerOf(session), caller);
    const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }] };
    await iam("PutRolePolicy", { RoleName: "r", PolicyName: "p", PolicyDocument: JSON.stringify(everything) });
    const changed = callerOf(session);
    assert.notEqual(changed, caller);
    assert.equal(caller.identity.length, 0);
    assert.equal(changed.identity[0]?.source.name, 'inline policy "p" of role r');
    await iam("CreateUser", { UserName: "u" });
    assert.equal(callerOf(session).identity[0], changed.identity[0], "what did not change is not compiled again");
  });

  it("of an account's root stay the same, however often the account is asked for", async () => {
    assert.deepEqual(await lab.identity.ensureAccount(ACCOUNT), root);
    const again = await Promise.all([
      lab.identity.ensureAccount("444455556666"),
      lab.identity.ensureAccount("444455556666"),
    ]);
    assert.deepEqual(again[0], again[1]);
    assert.match(lab.identity.canonicalUserId(ACCOUNT), /^[0-9a-f]{64}$/);
    assert.notEqual(lab.identity.canonicalUserId(ACCOUNT), lab.identity.canonicalUserId("444455556666"));
  });

  it("cannot be read under another root key, which is said at once", () => {
    assert.throws(() => open(undefined), SecretsError);
    assert.doesNotThrow(() => open(directory));
  });

  it("are not in the file as they are", async () => {
    const session = await assume("one");
    for (const secret of [root.secretAccessKey, session.secretAccessKey]) {
      for (const table of ["iam_access_keys", "sts_sessions"]) {
        const rows = database.committed.prepare(`SELECT record FROM ${table}`).all();
        assert.ok(rows.length > 0 && !JSON.stringify(rows).includes(secret));
      }
    }
  });
});
