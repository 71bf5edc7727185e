/** The texts with which AWS denies, as its documents and the lab word them. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type DenyingPolicy, readDenial } from "./denial-text.ts";

const ROLE = "arn:aws:sts::111122223333:assumed-role/r/s3-replication";
const FRAME = `User: ${ROLE} is not authorized to perform: s3:ReplicateObject on resource: "arn:aws:s3:::b/k"`;

/** @source aws-replication.md §12.2 */
const REASONS: readonly (readonly [string, DenyingPolicy | undefined])[] = [
  [
    "because no identity-based policy allows the s3:ReplicateObject action",
    { kind: "identity", effect: "does not allow" },
  ],
  [
    "because no resource-based policy allows the s3:ReplicateObject action",
    { kind: "resource", effect: "does not allow" },
  ],
  ["because no service control policy allows the s3:ReplicateObject action", { kind: "scp", effect: "does not allow" }],
  [
    "because no permissions boundary allows the s3:ReplicateObject action",
    { kind: "boundary", effect: "does not allow" },
  ],
  ["because no session policy allows the s3:ReplicateObject action", { kind: "session", effect: "does not allow" }],
  [
    "because no VPC endpoint policy allows the s3:ReplicateObject action",
    { kind: "vpcEndpoint", effect: "does not allow" },
  ],
  ["with an explicit deny in an identity-based policy", { kind: "identity", effect: "denies" }],
  ["with an explicit deny in a resource-based policy", { kind: "resource", effect: "denies" }],
  ["with an explicit deny in a service control policy", { kind: "scp", effect: "denies" }],
  ["with an explicit deny in a resource control policy", { kind: "rcp", effect: "denies" }],
  ["with an explicit deny in a permissions boundary", { kind: "boundary", effect: "denies" }],
  [
    "with an explicit deny in a service control policy: arn:aws:organizations::111122223333:policy/o-1/service_control_policy/p-1",
    {
      kind: "scp",
      effect: "denies",
      arn: "arn:aws:organizations::111122223333:policy/o-1/service_control_policy/p-1",
    },
  ],
  ["because public ACLs are prevented by the BlockPublicAcls setting in S3 Block Public Access", undefined],
  ["because of something that nobody has seen yet", undefined],
];

describe("the text of a denial", () => {
  for (const [reason, policy] of REASONS) {
    it(`is understood: ${reason}`, () => {
      assert.deepEqual(readDenial(`${FRAME} ${reason}`), {
        principal: ROLE,
        action: "s3:ReplicateObject",
        resource: "arn:aws:s3:::b/k",
        ...(policy === undefined ? {} : { policy }),
        reason,
      });
    });
  }

  it("may name no resource, or one without quotation marks, as other services write it", () => {
    const none = readDenial(
      `User: ${ROLE} is not authorized to perform: kms:Decrypt because no grant allows the kms:Decrypt action`,
    );
    assert.deepEqual([none?.resource, none?.policy?.kind], [undefined, "grant"]);
    const key = "arn:aws:kms:us-east-1:111122223333:key/k";
    const bare = readDenial(
      `User: ${ROLE} is not authorized to perform: kms:Decrypt on resource: ${key} with an explicit deny in a resource-based policy`,
    );
    assert.deepEqual([bare?.resource, bare?.policy?.kind], [key, "resource"]);
    const trust = readDenial(
      "User: s3.amazonaws.com is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/r because no role trust policy allows the sts:AssumeRole action",
    );
    assert.deepEqual([trust?.principal, trust?.policy?.kind], ["s3.amazonaws.com", "trust"]);
  });

  it("names the real reason where the key holds the words of another", () => {
    const key = 'k" with an explicit deny in a service control policy';
    const text = FRAME.replace("b/k", `b/${key}`);
    const denial = readDenial(`${text} because no identity-based policy allows the s3:ReplicateObject action`);
    assert.deepEqual([denial?.policy?.kind, denial?.resource], ["identity", `arn:aws:s3:::b/${key}`]);
  });

  it("other texts are none", () => {
    for (const text of ["", "Access Denied", "User: x is not authorized", `${FRAME}${"x".repeat(10_000)}`]) {
      assert.equal(readDenial(text), undefined, text.slice(0, 40));
    }
  });
});
