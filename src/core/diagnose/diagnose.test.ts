import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { DocumentValue } from "../config/document.ts";
import type { SkipReason } from "../eligibility.ts";
import { FAILURES } from "../failures/catalogue.ts";
import { diagnose, Examination } from "./diagnose.ts";
import { explainVersion } from "./explain-version.ts";
import type { BucketFacts, Facts, KeyFacts, Read, RecordedFailure, RolePolicy, VersionFacts } from "./facts.ts";
import { patchesOf } from "./patches.ts";
import { readRules } from "./rules.ts";
import { saySkip, skipFinding } from "./skips.ts";
import { worldOf } from "./world.ts";

const ACCOUNT = "111122223333";
const ROLE = `arn:aws:iam::${ACCOUNT}:role/photos-replication`;
const SOURCE_KEY = `arn:aws:kms:us-east-1:${ACCOUNT}:key/source`;
const REPLICA_KEY = `arn:aws:kms:eu-west-1:${ACCOUNT}:key/replica`;
const DESTINATION = "arn:aws:s3:::photos-replica";

const SOURCE_OBJECTS = {
  Sid: "ReadSource",
  Effect: "Allow",
  Action: ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"],
  Resource: "arn:aws:s3:::photos/*",
};
const SOURCE_BUCKET = {
  Sid: "ReadBucket",
  Effect: "Allow",
  Action: ["s3:GetReplicationConfiguration", "s3:ListBucket"],
  Resource: "arn:aws:s3:::photos",
};
const REPLICAS = {
  Sid: "WriteReplicas",
  Effect: "Allow",
  Action: ["s3:ReplicateObject", "s3:ReplicateTags"],
  Resource: "arn:aws:s3:::photos-replica/*",
};
const KEYS = {
  Sid: "Keys",
  Effect: "Allow",
  Action: ["kms:Decrypt", "kms:Encrypt"],
  Resource: [SOURCE_KEY, REPLICA_KEY],
};
const DELETES = {
  Sid: "Deletes",
  Effect: "Allow",
  Action: "s3:ReplicateDelete",
  Resource: "arn:aws:s3:::photos-replica/*",
};

const KEY_POLICY = statements({
  Effect: "Allow",
  Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
  Action: "kms:*",
  Resource: "*",
});

function statements(...of: DocumentValue[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: of });
}

function read<T>(value: T): Read<T> {
  return { state: "read", value };
}

const ABSENT = { state: "absent" } as const;

function bucket(name: string, region: string, change: Partial<BucketFacts> = {}): BucketFacts {
  return {
    name,
    arn: `arn:aws:s3:::${name}`,
    account: ACCOUNT,
    region: read(region),
    versioning: read("Enabled" as const),
    policy: ABSENT,
    defaultEncryption: read({ kind: "SSE-S3" as const }),
    accountTold: true,
    notOwnedBy: [],
    ownerId: read(`owner of ${ACCOUNT}`),
    ownership: read("BucketOwnerEnforced"),
    objectLock: ABSENT,
    publicAccessBlock: ABSENT,
    requestPayer: read("BucketOwner" as const),
    replication: ABSENT,
    ...change,
  };
}

function key(arn: string, change: Partial<KeyFacts> = {}): KeyFacts {
  return {
    arn,
    state: "Enabled",
    managedBy: "customer",
    aliases: [],
    policy: read(KEY_POLICY),
    grants: read([]),
    ...change,
  };
}

const RULE: Record<string, DocumentValue> = {
  ID: "everything",
  Priority: 1,
  Status: "Enabled",
  Filter: {},
  DeleteMarkerReplication: { Status: "Enabled" },
  Destination: { Bucket: DESTINATION },
};

interface World {
  readonly policies?: readonly DocumentValue[];
  readonly rolePolicies?: readonly RolePolicy[];
  readonly trust?: string;
  readonly rule?: Record<string, DocumentValue>;
  readonly source?: Partial<BucketFacts>;
  readonly destination?: Partial<BucketFacts>;
  readonly replicaKey?: Partial<KeyFacts>;
  readonly role?: Facts["role"];
  readonly candidates?: readonly KeyFacts[];
  readonly organization?: Facts["organization"];
  readonly boundary?: { readonly arn: string; readonly name: string; readonly document: string };
  readonly versions: readonly VersionFacts[];
}

function facts(world: World): Facts {
  const inline: RolePolicy = {
    kind: "inline",
    name: "replicate",
    document: statements(...(world.policies ?? [SOURCE_BUCKET, SOURCE_OBJECTS, REPLICAS, KEYS, DELETES])),
  };
  const trust =
    world.trust ??
    statements({ Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" });
  const replicaKey = key(REPLICA_KEY, world.replicaKey ?? {});
  return {
    takenAtMs: Date.UTC(2026, 0, 2),
    source: bucket("photos", "us-east-1", {
      replication: read({ Role: ROLE, Rules: [world.rule ?? RULE] }),
      ...world.source,
    }),
    destinations: { [DESTINATION]: bucket("photos-replica", "eu-west-1", world.destination ?? {}) },
    role:
      world.role ??
      read({
        arn: ROLE,
        name: "photos-replication",
        roleId: "AROA1",
        trust,
        policies: world.rolePolicies ?? [inline],
        ...(world.boundary === undefined ? {} : { boundary: world.boundary }),
      }),
    keys: { [SOURCE_KEY]: read(key(SOURCE_KEY)), [REPLICA_KEY]: read(replicaKey) },
    candidateKeys: { "eu-west-1": world.candidates ?? [replicaKey] },
    organization: world.organization ?? ABSENT,
    versions: world.versions,
  };
}

function version(name: string, change: Partial<VersionFacts> = {}): VersionFacts {
  return {
    bucket: "photos",
    key: name,
    versionId: `v-${name}`,
    isDeleteMarker: false,
    sizeBytes: 100,
    etag: "d41d8cd98f00b204e9800998ecf8427e",
    lastModifiedMs: Date.UTC(2026, 0, 1),
    storageClass: "STANDARD",
    encryption: { kind: "SSE-S3" },
    tags: [],
    tagCount: 0,
    partsCount: 1,
    replicas: {},
    failures: [],
    ...change,
  };
}

const completed = (name: string) => version(name, { replicationStatus: "COMPLETED" });
const failed = (name: string, failures: RecordedFailure[] = []) =>
  version(name, { replicationStatus: "FAILED", failures });
const encrypted = (name: string) => version(name, { encryption: { kind: "SSE-KMS", kmsKeyArn: SOURCE_KEY } });
const marker = (name: string, change: Partial<VersionFacts> = {}) =>
  version(name, { isDeleteMarker: true, sizeBytes: 0, replicas: { [DESTINATION]: "absent" }, ...change });

function recorded(code: string, change: Partial<RecordedFailure> = {}): RecordedFailure {
  return {
    destinationArn: DESTINATION,
    ruleId: "everything",
    code,
    step: "writeReplica",
    pending: false,
    attempts: 1,
    httpStatus: 403,
    errorCode: "AccessDenied",
    message: "User: arn:aws:sts::111122223333:assumed-role/photos-replication/s3-replication is not authorized",
    ...change,
  };
}

/** `CODE count confidence`, a line per cause. */
function causes(world: World): string[] {
  return diagnose(facts(world)).diagnosis.causes.map((one) => `${one.code} ${one.affected.versions} ${one.confidence}`);
}

test("diagnose: a bucket with nothing wrong has no cause", () => {
  const arrived = marker("d", { replicas: { [DESTINATION]: "present" } });
  const replica = version("r", { replicationStatus: "REPLICA" });
  const { diagnosis } = diagnose(facts({ versions: [completed("a"), completed("b"), arrived, replica] }));
  assert.deepEqual(diagnosis.causes, []);
  assert.deepEqual(diagnosis.unexplained, []);
  assert.deepEqual(diagnosis.scanned, {
    versions: 4,
    completed: 3,
    failed: 0,
    pending: 0,
    replica: 1,
    none: 0,
    unreadable: 0,
    silent: { notSelected: 0, beforeRule: 0, unreadableClass: 0, replicaSource: 1 },
  });
});

test("diagnose: one missing action is one cause, with its statement in the evidence and the versions counted", () => {
  const failures = [recorded("DstDelObjNotPermitted", { step: "writeMarker" })];
  const versions = [...Array.from({ length: 30 }, (_, index) => marker(`m${index}`, { failures })), completed("a")];
  const { diagnosis } = diagnose(facts({ policies: [SOURCE_BUCKET, SOURCE_OBJECTS, REPLICAS], versions }));
  assert.deepEqual(diagnosis.scanned, {
    versions: 31,
    completed: 1,
    failed: 30,
    pending: 0,
    replica: 0,
    none: 0,
    unreadable: 0,
    silent: { notSelected: 0, beforeRule: 0, unreadableClass: 0, replicaSource: 0 },
  });
  const [cause, ...others] = diagnosis.causes;
  assert.deepEqual(others, []);
  assert.equal(cause?.code, "DstDelObjNotPermitted");
  assert.equal(cause.class, "permission");
  assert.equal(cause.action, "s3:ReplicateDelete");
  assert.equal(cause.resource, "arn:aws:s3:::photos-replica/*");
  assert.equal(cause.rule, "everything");
  assert.equal(cause.confidence, "proven");
  assert.equal(cause.affected.versions, 30);
  assert.equal(cause.affected.samples.length, 5);
  assert.match(cause.evidence[0]?.source ?? "", /inline policy "replicate" of role photos-replication/);
  assert.match(cause.evidence[0]?.says ?? "", /no identity policy allows it/);
  assert.ok(cause.evidence.some((one) => one.kind === "response" && one.says.startsWith("403 AccessDenied")));
});

test("diagnose: the patch adds the action to the statement that allows its like, and nothing else", () => {
  const versions = [marker("m")];
  const { diagnosis } = diagnose(facts({ policies: [SOURCE_BUCKET, SOURCE_OBJECTS, REPLICAS], versions }));
  const [patch, ...others] = diagnosis.causes[0]?.fix.patches ?? [];
  assert.deepEqual(others, []);
  assert.equal(patch?.target, "iam-role-policy");
  assert.equal(patch.resource, ROLE);
  assert.equal(patch.name, "replicate");
  assert.deepEqual(patch.before, JSON.parse(statements(SOURCE_BUCKET, SOURCE_OBJECTS, REPLICAS)));
  const extended = { ...REPLICAS, Action: ["s3:ReplicateObject", "s3:ReplicateTags", "s3:ReplicateDelete"] };
  assert.deepEqual(patch.after, JSON.parse(statements(SOURCE_BUCKET, SOURCE_OBJECTS, extended)));
});

test("diagnose: KMS-encrypted versions that no rule selects are one cause, with the element to add and the key there is", () => {
  const versions = [encrypted("a"), encrypted("b"), completed("c")];
  const { diagnosis } = diagnose(facts({ versions }));
  assert.deepEqual(diagnosis.scanned.none, 2);
  const [cause, ...others] = diagnosis.causes;
  assert.deepEqual(others, []);
  assert.equal(cause?.code, "KmsNotSelected");
  assert.equal(cause.class, "eligibility");
  assert.match(cause.evidence[0]?.says ?? "", /SseKmsEncryptedObjects/);
  assert.deepEqual(cause.fix.patches[0]?.after, {
    Role: ROLE,
    Rules: [
      {
        ...RULE,
        SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: "Enabled" } },
        Destination: { Bucket: DESTINATION, EncryptionConfiguration: { ReplicaKmsKeyID: REPLICA_KEY } },
      },
    ],
  });
});

test("diagnose: with several keys to choose from a person has to choose", () => {
  const candidates = [key(REPLICA_KEY, { aliases: ["alias/a"] }), key(`${REPLICA_KEY}2`, { aliases: ["alias/b"] })];
  const { diagnosis } = diagnose(facts({ candidates, versions: [encrypted("a")] }));
  assert.deepEqual(diagnosis.causes[0]?.fix.patches, []);
  assert.match(diagnosis.causes[0]?.fix.summary ?? "", /alias\/a, alias\/b/);
});

test("diagnose: a fault hidden behind the first is found in the same run", () => {
  const policies = [SOURCE_BUCKET, SOURCE_OBJECTS, REPLICAS, { ...KEYS, Action: "kms:Decrypt" }];
  assert.deepEqual(
    causes({ policies, versions: [encrypted("a")] }),
    ["DstPutObjectNotPermitted 1 proven", "KmsNotSelected 1 proven"].sort(),
  );
  const without = [
    SOURCE_BUCKET,
    { ...SOURCE_OBJECTS, Action: ["s3:GetObjectVersionAcl"] },
    { ...REPLICAS, Action: ["s3:ReplicateTags"] },
  ];
  assert.deepEqual(causes({ policies: without, versions: [failed("a")] }).sort(), [
    "DstPutObjectNotPermitted 1 proven",
    "SrcGetObjectNotPermitted 1 proven",
  ]);
});

test("diagnose: two faults are two causes, and their patches of one document become one", () => {
  const policies = [SOURCE_BUCKET, SOURCE_OBJECTS, { ...REPLICAS, Action: ["s3:ReplicateObject"] }];
  const tagged = version("t", { replicationStatus: "FAILED", tagCount: 1 });
  const explained = diagnose(facts({ policies, versions: [tagged, marker("m")] }));
  assert.deepEqual(explained.diagnosis.causes.map((one) => one.code).sort(), [
    "DstDelObjNotPermitted",
    "DstPutTaggingNotPermitted",
  ]);
  const [patch, ...others] = patchesOf([...explained.edits.values()].flat());
  assert.deepEqual(others, []);
  const actions = JSON.stringify(patch?.after);
  assert.match(actions, /s3:ReplicateDelete/);
  assert.match(actions, /s3:ReplicateTags/);
});

test("diagnose: a FAILED version that nothing stands in the way of any more only needs a resync", () => {
  const failures = [recorded("DstPutObjectNotPermitted")];
  const { diagnosis } = diagnose(facts({ versions: [failed("a", failures)] }));
  const [cause] = diagnosis.causes;
  assert.equal(cause?.code, "RetryNeeded");
  assert.deepEqual(cause.fix, { summary: cause.fix.summary, patches: [], resync: true });
});

test("diagnose: a recorded answer that no policy explains is the cause itself", () => {
  assert.deepEqual(causes({ versions: [failed("a", [recorded("DstQuotaExceeded")])] }), ["DstQuotaExceeded 1 proven"]);
  const pending = version("p", {
    replicationStatus: "PENDING",
    failures: [recorded("EndpointUnreachable", { pending: true })],
  });
  const { diagnosis } = diagnose(facts({ versions: [pending] }));
  assert.equal(diagnosis.causes[0]?.class, "network");
  assert.equal(diagnosis.causes[0]?.fix.resync, false);
});

interface RecordedCase {
  readonly code: string;
  readonly pending: boolean;
  readonly expected: string;
  readonly because: string;
}

const RECORDED = JSON.parse(readFileSync("test/fixtures/failures.json", "utf8")) as readonly RecordedCase[];

test("diagnose: every code of the catalogue has a recorded case", () => {
  assert.deepEqual(RECORDED.map((one) => one.code).sort(), Object.keys(FAILURES).sort());
});

for (const one of RECORDED) {
  test(`diagnose: a recorded ${one.code} where nothing else is wrong: ${one.because}`, () => {
    const replicationStatus = one.pending ? "PENDING" : "FAILED";
    const failures = [recorded(one.code, { pending: one.pending })];
    const { diagnosis } = diagnose(facts({ versions: [version("a", { replicationStatus, failures })] }));
    assert.deepEqual(
      diagnosis.causes.map((cause) => cause.code),
      [one.expected],
    );
    assert.equal(diagnosis.causes[0]?.fix.resync, !one.pending);
    assert.ok(diagnosis.causes[0]?.evidence.some((evidence) => evidence.kind === "response"));
  });
}

test("diagnose: what may not be read lowers the confidence and is not taken for absent", () => {
  const unreadable = { state: "unreadable", because: "s3:GetBucketPolicy is denied" } as const;
  const policies = [SOURCE_BUCKET, SOURCE_OBJECTS];
  const world = { policies, destination: { policy: unreadable }, versions: [failed("a")] };
  assert.deepEqual(causes(world), ["DstPutObjectNotPermitted 1 likely"]);
  assert.deepEqual(
    diagnose(facts(world)).diagnosis.causes[0]?.fix.patches.map((one) => one.target),
    ["iam-role-policy"],
  );
});

test("diagnose: a bucket policy of another account that was not read is not said to lack an allow", () => {
  const unreadable = { state: "unreadable", because: "not ours" } as const;
  const world = { destination: { account: "444455556666", accountTold: true, policy: unreadable } };
  const tags = { ...failed("a", [recorded("DstPutTaggingNotPermitted")]), tagCount: 1 };
  const { causes: found } = diagnose(facts({ ...world, versions: [tags] })).diagnosis;
  assert.deepEqual(
    found.map((one) => `${one.code} ${one.action} ${one.confidence} ${one.fix.patches.length}`),
    ["DstPutTaggingNotPermitted s3:ReplicateTags likely 0"],
  );
  assert.match(found[0]?.evidence[0]?.says ?? "", /is not known, for it could not be read: not ours/);
});

test("diagnose: a delete marker that nobody tried while others were replicated may be Lifecycle's, and is blamed on nothing", () => {
  const lost = causes({ versions: [marker("a"), completed("b")] });
  assert.deepEqual(lost, ["MarkerByLifecycle 1 possible"]);
  const older = { ...marker("a"), lastModifiedMs: completed("b").lastModifiedMs - 1 };
  assert.deepEqual(causes({ versions: [older, completed("b")] }), ["NeverTried 1 likely"]);
});

test("diagnose: without a readable role and without a record a FAILED version is unexplained, with what would decide it", () => {
  const role = { state: "unreadable", because: "iam:GetRole is denied" } as const;
  const { diagnosis } = diagnose(facts({ role, versions: [failed("a")] }));
  assert.deepEqual(diagnosis.causes, []);
  assert.match(diagnosis.unexplained[0]?.missing ?? "", /iam:GetRole is denied/);
});

test("diagnose: a version that may not be read is counted apart and says what is missing", () => {
  const { diagnosis } = diagnose(
    facts({ versions: [version("a", { unreadable: "s3:GetObjectVersion is denied" }), completed("b")] }),
  );
  assert.deepEqual([diagnosis.scanned.unreadable, diagnosis.scanned.completed, diagnosis.causes.length], [1, 1, 0]);
  assert.equal(diagnosis.unexplained[0]?.missing, "s3:GetObjectVersion is denied");
});

test("diagnose: a role that is not there, and one that does not trust S3", () => {
  assert.deepEqual(causes({ role: ABSENT, versions: [failed("a")] }), ["AssumeRoleNotPermitted 1 proven"]);
  const trust = statements({ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" });
  const { diagnosis } = diagnose(facts({ trust, versions: [failed("a")] }));
  assert.equal(diagnosis.causes[0]?.code, "AssumeRoleNotPermitted");
  const [patch] = diagnosis.causes[0]?.fix.patches ?? [];
  assert.equal(patch?.target, "iam-trust-policy");
  assert.match(JSON.stringify(patch.after), /"Service":"s3.amazonaws.com"/);
});

test("diagnose: a destination that is gone, or has no versioning", () => {
  const gone = bucket("photos-replica", "eu-west-1", { region: ABSENT, versioning: ABSENT });
  assert.deepEqual(causes({ destination: gone, versions: [failed("a")] }), ["DstBucketNotFound 1 proven"]);
  const suspended = { versioning: read("Suspended" as const) };
  const { diagnosis } = diagnose(facts({ destination: suspended, versions: [failed("a")] }));
  assert.equal(diagnosis.causes[0]?.code, "DstBucketUnversioned");
  assert.deepEqual(diagnosis.causes[0]?.fix.patches[0]?.after, { Status: "Enabled" });
});

const KMS_RULE = {
  ...RULE,
  SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: "Enabled" } },
  Destination: { Bucket: DESTINATION, EncryptionConfiguration: { ReplicaKmsKeyID: REPLICA_KEY } },
};
const failedSecret = (failures: RecordedFailure[] = []) => ({
  ...failed("secret", failures),
  encryption: { kind: "SSE-KMS" as const, kmsKeyArn: SOURCE_KEY },
});

test("diagnose: one missing permission is one cause, whatever it is met as, under the name that most have failed with", () => {
  const large = (name: string, code: string) => ({ ...failed(name, [recorded(code)]), partsCount: 2 });
  const world = { policies: [SOURCE_BUCKET, SOURCE_OBJECTS, KEYS] };
  assert.deepEqual(causes({ ...world, versions: [large("a", "DstMultipartUploadNotPermitted")] }), [
    "DstMultipartUploadNotPermitted 1 proven",
  ]);
  const versions = [
    large("a", "DstMultipartInitNotPermitted"),
    failed("b", [recorded("DstPutObjectNotPermitted")]),
    large("c", "DstMultipartInitNotPermitted"),
  ];
  assert.deepEqual(causes({ ...world, versions }), ["DstMultipartInitNotPermitted 3 proven"]);
  assert.deepEqual(causes({ ...world, versions: versions.slice(0, 2) }), ["DstPutObjectNotPermitted 2 proven"]);
});

test("diagnose: a key out of use does not hide that its use is denied besides", () => {
  const found = causes({
    rule: KMS_RULE,
    policies: [SOURCE_BUCKET, SOURCE_OBJECTS, REPLICAS, { ...KEYS, Action: ["kms:Decrypt"] }],
    replicaKey: { state: "Disabled" },
    versions: [failedSecret()],
  });
  assert.deepEqual(found.sort(), ["DstKmsKeyInvalidState 1 proven", "DstPutObjectNotPermitted 1 proven"]);
});

test("diagnose: a role that is gone does not hide what is wrong with the destination", () => {
  const destination = { versioning: read("Suspended" as const) };
  const found = causes({ role: ABSENT, destination, versions: [failed("a")] });
  assert.deepEqual(found.sort(), ["AssumeRoleNotPermitted 1 proven", "DstBucketUnversioned 1 proven"]);
});

test("diagnose: a bucket of another account that is gone lacks no policy besides", () => {
  const destination = { account: "444455556666", region: ABSENT, versioning: ABSENT };
  assert.deepEqual(causes({ destination, versions: [failed("a")] }), ["DstBucketNotFound 1 proven"]);
});

test("diagnose: beside what is still in the way nothing asks for a retry", () => {
  const world = { rule: KMS_RULE, replicaKey: { state: "Disabled" as const } };
  const past = failedSecret([recorded("DstPutObjectNotPermitted")]);
  assert.deepEqual(causes({ ...world, versions: [past] }), ["DstKmsKeyInvalidState 1 proven"]);
});

test("diagnose: a key of another Region than the destination's is not there, whoever may use it", () => {
  const Destination = { Bucket: DESTINATION, EncryptionConfiguration: { ReplicaKmsKeyID: SOURCE_KEY } };
  const { diagnosis } = diagnose(facts({ rule: { ...KMS_RULE, Destination }, versions: [failedSecret()] }));
  const [cause] = diagnosis.causes;
  assert.equal(cause?.code, "DstKmsKeyNotFound");
  assert.match(cause.evidence[0]?.says ?? "", /names a key of Region us-east-1/);
  assert.deepEqual(
    cause.fix.patches.map((one) => one.target),
    ["replication"],
  );
});

test("diagnose: a role that was made again takes the place of its old id, which no policy may name any more", () => {
  const gone = "AROAQVMY3R5WVKEULPU4B";
  const grant = (AWS: string | string[]) => ({
    Sid: "Replicas",
    Effect: "Allow",
    Principal: { AWS },
    Action: ["s3:ReplicateObject", "s3:ReplicateTags"],
    Resource: `${DESTINATION}/*`,
  });
  const others = { ...grant(["AROA000000000000000GONE", "arn:aws:iam::444455556666:role/reader"]), Sid: "Others" };
  const destination = { account: "444455556666", policy: read(statements(grant(gone), others)) };
  const { diagnosis } = diagnose(facts({ destination, versions: [failed("a")] }));
  assert.deepEqual(
    diagnosis.causes.map((one) => one.code),
    ["DstPutObjectNotPermitted"],
  );
  assert.deepEqual(diagnosis.causes[0]?.fix.patches[0]?.after, {
    Version: "2012-10-17",
    Statement: [grant(ROLE), { ...others, Principal: { AWS: ["arn:aws:iam::444455556666:role/reader"] } }],
  });
});

test("diagnose: a version that is gone is said to be, whatever its last try failed with", () => {
  const gone = (name: string, code: string) => version(name, { gone: true, failures: [recorded(code)] });
  const found = causes({ versions: [gone("a", "DstPutObjectNotPermitted"), gone("b", "SrcObjectNotFound")] });
  assert.deepEqual(found.sort(), ["SrcObjectNotFound 1 proven", "SrcVersionNotFound 1 proven"]);
});

test("diagnose: versions that failed because no rule takes them any more are named as they failed", () => {
  const disabled = { ...RULE, Status: "Disabled" };
  const versions = [failed("a", [recorded("SrcObjectNotEligible")])];
  assert.deepEqual(causes({ rule: disabled, versions }), ["SrcObjectNotEligible 1 proven"]);
  const source = { replication: ABSENT };
  const without = [failed("a", [recorded("SrcBucketReplicationConfigMissing")])];
  assert.deepEqual(causes({ source, versions: without }), ["SrcBucketReplicationConfigMissing 1 proven"]);
});

test("diagnose: a disabled key decides before any policy does", () => {
  const rule = {
    ...RULE,
    SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: "Enabled" } },
    Destination: { Bucket: DESTINATION, EncryptionConfiguration: { ReplicaKmsKeyID: REPLICA_KEY } },
  };
  const one = version("a", { replicationStatus: "FAILED", encryption: { kind: "SSE-KMS", kmsKeyArn: SOURCE_KEY } });
  const { diagnosis } = diagnose(facts({ rule, replicaKey: { state: "Disabled" }, versions: [one] }));
  assert.deepEqual(
    diagnosis.causes.map((cause) => cause.code),
    ["DstKmsKeyInvalidState"],
  );
  assert.deepEqual(diagnosis.causes[0]?.fix.patches[0]?.before, { KeyState: "Disabled" });
});

test("diagnose: a key policy that does not know the account is patched for the role alone", () => {
  const rule = {
    ...RULE,
    SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: "Enabled" } },
    Destination: { Bucket: DESTINATION, EncryptionConfiguration: { ReplicaKmsKeyID: REPLICA_KEY } },
  };
  const policy = read(
    statements({
      Effect: "Allow",
      Principal: { AWS: `arn:aws:iam::${ACCOUNT}:user/admin` },
      Action: "kms:*",
      Resource: "*",
    }),
  );
  const one = version("a", { replicationStatus: "FAILED", encryption: { kind: "SSE-KMS", kmsKeyArn: SOURCE_KEY } });
  const { diagnosis } = diagnose(facts({ rule, replicaKey: { policy }, versions: [one] }));
  const [patch] = diagnosis.causes[0]?.fix.patches ?? [];
  assert.equal(patch?.target, "kms-key-policy");
  assert.match(
    JSON.stringify(patch.after),
    new RegExp(`"Principal":\\{"AWS":"${ROLE}"\\},"Action":\\["kms:Encrypt"\\]`),
  );
});

test("diagnose: an explicit deny is named, and the role is taken out of it and nobody else", () => {
  const policy = read(
    statements({
      Sid: "NoReplicas",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:ReplicateObject",
      Resource: "arn:aws:s3:::photos-replica/*",
    }),
  );
  const { diagnosis } = diagnose(facts({ destination: { policy }, versions: [failed("a")] }));
  const [cause] = diagnosis.causes;
  assert.equal(cause?.code, "DstPutObjectNotPermitted");
  assert.match(cause.evidence[0]?.says ?? "", /"NoReplicas" of the bucket policy of photos-replica denies it/);
  const [patch, ...others] = cause.fix.patches;
  assert.deepEqual(others, []);
  assert.equal(patch?.target, "bucket-policy");
  const denying = JSON.parse(policy.state === "read" ? policy.value : "") as { Statement: [object] };
  const condition = { ArnNotEquals: { "aws:PrincipalArn": ROLE } };
  assert.deepEqual(patch.after, { ...denying, Statement: [{ ...denying.Statement[0], Condition: condition }] });
});

test("diagnose: a deny that is hidden behind another is a cause of its own, and so is an allow that is missing", () => {
  const deny = (Sid: string) =>
    statements({ Sid, Effect: "Deny", Principal: "*", Action: "s3:ReplicateObject", Resource: `${DESTINATION}/*` });
  const both = {
    ...ORGANIZATION,
    rcps: {
      [ACCOUNT]: [{ target: "r-1", policies: [{ id: "p-1", name: "perimeter", document: deny("Outer") }, RCP_FULL] }],
    },
  };
  const world = {
    policies: [SOURCE_BUCKET, SOURCE_OBJECTS],
    destination: { policy: read(deny("Inner")) },
    organization: read(both),
    versions: [failed("a")],
  };
  const explained = diagnose(facts(world));
  assert.deepEqual(
    explained.diagnosis.causes.map((one) => one.fix.patches.map((patch) => patch.target).join()).sort(),
    ["bucket-policy", "iam-role-policy", "organization-policy"],
  );
});

const ORGANIZATION = {
  id: "o-example",
  managementAccountId: "999900001111",
  accounts: { [ACCOUNT]: "o-example/r-1/ou-1/" },
  scps: {},
  rcps: {},
  unread: {},
};
const FULL = {
  id: "p-FullAWSAccess",
  name: "FullAWSAccess",
  document: statements({ Effect: "Allow", Action: "*", Resource: "*" }),
};
const RCP_FULL = {
  id: "p-RCPFullAWSAccess",
  name: "RCPFullAWSAccess",
  document: statements({ Effect: "Allow", Principal: "*", Action: "*", Resource: "*" }),
};

test("diagnose: a service control policy that denies is named with its level, and its patch exempts the role", () => {
  const document = statements({ Sid: "NoCopies", Effect: "Deny", Action: "s3:Replicate*", Resource: "*" });
  const scps = {
    [ACCOUNT]: [
      { target: "r-1", policies: [FULL] },
      { target: "ou-1", policies: [FULL, { id: "p-2", name: "no-copies", document }] },
      { target: ACCOUNT, policies: [FULL] },
    ],
  };
  const tagged = version("t", { replicationStatus: "FAILED", tagCount: 1 });
  const { diagnosis } = diagnose(facts({ organization: read({ ...ORGANIZATION, scps }), versions: [tagged] }));
  const [cause] = diagnosis.causes;
  assert.equal(cause?.code, "DstPutObjectNotPermitted");
  assert.equal(cause.confidence, "proven");
  assert.equal(cause.evidence[0]?.source, 'service control policy "no-copies" (p-2) at ou-1');
  assert.match(cause.evidence[0].says, /statement "NoCopies" of service control policy "no-copies"/);
  const [patch] = cause.fix.patches;
  assert.deepEqual([patch?.target, patch?.resource, patch?.name], ["organization-policy", "p-2", "no-copies"]);
  assert.match(
    JSON.stringify(patch?.after),
    /"Condition":\{"ArnNotEquals":\{"aws:PrincipalArn":"[^"]*photos-replication"\}\}/,
  );
});

test("diagnose: a level of service control policies without an allow is named, and a policy of that level gets it", () => {
  const document = statements({
    Sid: "OnlyReads",
    Effect: "Allow",
    Action: ["s3:Get*", "s3:List*", "sts:*"],
    Resource: "*",
  });
  const scps = {
    [ACCOUNT]: [
      { target: "r-1", policies: [FULL] },
      { target: "ou-1", policies: [{ id: "p-3", name: "reads", document }] },
    ],
  };
  const { diagnosis } = diagnose(facts({ organization: read({ ...ORGANIZATION, scps }), versions: [failed("a")] }));
  const [cause] = diagnosis.causes;
  assert.equal(cause?.code, "DstPutObjectNotPermitted");
  assert.ok(
    cause.evidence.some((one) => one.says === "Of the service control policies of ou-1 none allows s3:ReplicateObject"),
  );
  const [patch] = cause.fix.patches;
  assert.equal(patch?.resource, "p-3");
  assert.match(JSON.stringify(patch.after), /"Action":\["s3:Get\*","s3:List\*","sts:\*","s3:ReplicateObject"\]/);
});

test("diagnose: the management account is capped by nothing", () => {
  const document = statements({ Effect: "Deny", Action: "*", Resource: "*" });
  const scps = { [ACCOUNT]: [{ target: "r-1", policies: [{ id: "p-4", name: "nothing", document }] }] };
  const organization = read({ ...ORGANIZATION, managementAccountId: ACCOUNT, scps });
  assert.deepEqual(causes({ organization, versions: [version("old")] }), ["NeverTried 1 likely"]);
});

test("diagnose: an organisation that may not be read makes an unexplained denial uncertain and hides no proven one", () => {
  const organization = { state: "unreadable", because: "organizations:DescribeOrganization is denied" } as const;
  const denied = failed("a", [recorded("DstPutObjectNotPermitted")]);
  const { diagnosis } = diagnose(facts({ organization, versions: [denied] }));
  assert.deepEqual(
    diagnosis.causes.map((one) => `${one.code} ${one.confidence}`),
    ["DstPutObjectNotPermitted likely"],
  );
  assert.ok(diagnosis.causes[0]?.evidence.some((one) => one.says.startsWith("the organisation's policies: ")));
  assert.deepEqual(causes({ organization, versions: [failed("a")] }), ["RetryNeeded 1 possible"]);
  const policies = [SOURCE_BUCKET, SOURCE_OBJECTS];
  assert.deepEqual(causes({ organization, policies, versions: [failed("a")] }), ["DstPutObjectNotPermitted 1 proven"]);
  assert.deepEqual(causes({ organization, versions: [failed("q", [recorded("DstQuotaExceeded")])] }), [
    "DstQuotaExceeded 1 proven",
  ]);
});

test("diagnose: a policy that asks for an organisation is judged by it, and only guessed at where it is not known", () => {
  const policy = read(
    statements({
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: [DESTINATION, `${DESTINATION}/*`],
      Condition: { StringNotEquals: { "aws:PrincipalOrgID": "o-example" } },
    }),
  );
  const world = { destination: { policy }, versions: [failed("a")] };
  assert.deepEqual(causes({ ...world, organization: read(ORGANIZATION) }), ["RetryNeeded 1 likely"]);
  assert.deepEqual(causes(world), ["DstPutObjectNotPermitted 1 proven"]);
  const organization = { state: "unreadable", because: "no" } as const;
  assert.deepEqual(causes({ ...world, organization }), ["DstPutObjectNotPermitted 1 likely"]);
});

const LIMIT = `arn:aws:iam::${ACCOUNT}:policy/limit`;

test("diagnose: a permissions boundary that lacks an allow is extended by it, unless it is AWS's own", () => {
  const document = statements({
    Sid: "Limit",
    Effect: "Allow",
    Action: "s3:*",
    Resource: ["arn:aws:s3:::photos", "arn:aws:s3:::photos/*"],
  });
  const patchesFor = (arn: string) =>
    diagnose(facts({ boundary: { arn, name: "limit", document }, versions: [failed("a")] })).diagnosis.causes[0]?.fix
      .patches ?? [];
  const [patch, ...others] = patchesFor(LIMIT);
  assert.deepEqual(others, []);
  assert.deepEqual([patch?.target, patch?.resource], ["iam-boundary-policy", LIMIT]);
  assert.match(
    JSON.stringify(patch?.after),
    /"Action":\["s3:ReplicateObject"\],"Resource":"arn:aws:s3:::photos-replica\/\*"/,
  );
  assert.deepEqual(patchesFor("arn:aws:iam::aws:policy/limit"), []);
});

test("diagnose: versions never tried and selected now need only a resync", () => {
  assert.deepEqual(causes({ versions: [version("old")] }), ["NeverTried 1 likely"]);
});

test("diagnose: without a configuration every version without a status has that as its cause", () => {
  assert.deepEqual(causes({ source: { replication: ABSENT }, versions: [version("a"), version("b")] }), [
    "NoConfiguration 2 proven",
  ]);
});

const SKIPPED: readonly (readonly [code: string, rule: Record<string, DocumentValue>, version: VersionFacts])[] = [
  [
    "TagsDiffer",
    { ...RULE, DeleteMarkerReplication: { Status: "Disabled" }, Filter: { Tag: { Key: "k", Value: "v" } } },
    version("a"),
  ],
  ["DeleteMarkersNotReplicated", { ...RULE, DeleteMarkerReplication: { Status: "Disabled" } }, marker("a")],
  ["SourceArchived", RULE, version("a", { storageClass: "GLACIER" })],
];

for (const [code, rule, one] of SKIPPED) {
  test(`diagnose: ${code} is named, and no status was ever set`, () => {
    const { diagnosis } = diagnose(facts({ rule, versions: [one] }));
    assert.deepEqual(
      diagnosis.causes.map((cause) => cause.code),
      [code],
    );
    assert.equal(diagnosis.scanned.none, 1);
  });
}

test("diagnose: what is by design is told and is no cause", () => {
  const { diagnosis } = diagnose(facts({ versions: [marker("a", { byLifecycle: true }), completed("b")] }));
  assert.deepEqual(diagnosis.causes, []);
  assert.equal(diagnosis.scanned.silent.notSelected, 1);
  assert.deepEqual(
    diagnosis.notes.map((one) => `${one.kind} ${one.versions}`),
    ["lifecycleMarker 1"],
  );
});

const REASONS: readonly (readonly [because: SkipReason, code: string])[] = [
  [{ reason: "isReplica" }, "SourceIsReplica"],
  [{ reason: "markerByLifecycle" }, "MarkerByLifecycle"],
  [{ reason: "modificationsNotReplicated" }, "ModificationsNotReplicated"],
  [{ reason: "neverAdmitted" }, "NeverAdmitted"],
  [{ reason: "ownerOverridden" }, "OwnerOverridden"],
  [{ reason: "outranked", byRuleId: "other" }, "Outranked"],
];

for (const [because, code] of REASONS) {
  test(`diagnose: a rule that says ${because.reason} is worded as ${code}`, () => {
    const world = facts({ versions: [] });
    const [rule] = readRules(world, () => Number.POSITIVE_INFINITY).configuration?.rules ?? [];
    const finding = skipFinding(worldOf(world, ROLE), rule, because);
    assert.equal(finding.code, code);
    assert.equal(finding.evidence[0]?.says, saySkip(because));
  });
}

test("diagnose: of rules that do not take a version the nearest is blamed", () => {
  const near = { ...RULE, ID: "near", Status: "Disabled", Filter: { Prefix: "a/" }, Priority: 2 };
  const far = { ...RULE, ID: "far", Filter: { Prefix: "b/" } };
  const replication = read({ Role: ROLE, Rules: [far, near] });
  const { diagnosis } = diagnose(facts({ source: { replication }, versions: [version("a/1"), version("c/1")] }));
  assert.deepEqual(diagnosis.causes.map((one) => `${one.code} ${one.rule}`).sort(), [
    "PrefixDiffers far",
    "RuleDisabled near",
  ]);
});

test("diagnose: a policy that names keys makes versions of other keys another matter", () => {
  const only = { ...REPLICAS, Resource: "arn:aws:s3:::photos-replica/public/*" };
  const policies = [SOURCE_BUCKET, SOURCE_OBJECTS, only];
  const versions = [failed("public/1", [recorded("DstQuotaExceeded")]), failed("private/1"), failed("private/2")];
  assert.deepEqual(causes({ policies, versions }), ["DstPutObjectNotPermitted 2 proven", "DstQuotaExceeded 1 proven"]);
});

test("diagnose: causes keep their ids from run to run", () => {
  const world = { policies: [SOURCE_BUCKET, SOURCE_OBJECTS], versions: [failed("a")] };
  const ids = (versions: readonly VersionFacts[]) =>
    diagnose(facts({ ...world, versions })).diagnosis.causes.map((one) => one.id);
  assert.deepEqual(ids([failed("a")]), ids([failed("b"), failed("c")]));
});

test("diagnose: a role without policies of its own gets a new one", () => {
  const rolePolicies = [
    {
      kind: "managed" as const,
      name: "AmazonS3ReadOnlyAccess",
      arn: "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
      document: statements(SOURCE_BUCKET, SOURCE_OBJECTS),
    },
  ];
  const { diagnosis } = diagnose(facts({ rolePolicies, versions: [failed("a")] }));
  const [patch] = diagnosis.causes[0]?.fix.patches ?? [];
  assert.equal(patch?.name, "lockstep-replication");
  assert.equal(patch.before, null);
});

test("explain: one object, rule by rule and step by step", () => {
  const world = facts({ policies: [SOURCE_BUCKET, SOURCE_OBJECTS], versions: [failed("a"), encrypted("k")] });
  const [plain, kms] = world.versions;
  assert.ok(plain !== undefined && kms !== undefined);
  const explained = explainVersion(world, plain);
  assert.equal(explained.status, "failed");
  assert.deepEqual(
    explained.rules.map((one) => one.taken),
    [true],
  );
  const checks = explained.steps.flatMap((step) =>
    step.checks.map((one) => `${step.step} ${one.action} ${one.allowed}`),
  );
  assert.deepEqual(checks, [
    "assumeRole sts:AssumeRole true",
    "readVersion s3:GetObjectVersionForReplication true",
    "readAcl s3:GetObjectVersionAcl true",
    "writeReplica s3:ReplicateObject false",
  ]);
  assert.match(explained.steps[1]?.checks[0]?.says ?? "", /statement "ReadSource" of inline policy "replicate"/);
  assert.deepEqual(
    explainVersion(world, kms).rules.map((one) => one.because),
    ["kmsNotSelected"],
  );
});

test("diagnose: versions that come one by one, or many as one, give what all at once give", () => {
  const failed = ["a", "b", "c"].map((name) => version(name, { replicationStatus: "FAILED" }));
  const marker = version("m", { isDeleteMarker: true, sizeBytes: 0, lastModifiedMs: Date.UTC(2026, 0, 1, 2) });
  const done = version("d", { replicationStatus: "COMPLETED", lastModifiedMs: Date.UTC(2026, 0, 1, 1) });
  const world = facts({ policies: [SOURCE_BUCKET, SOURCE_OBJECTS], versions: [marker, ...failed, done] });
  const { versions, ...setup } = world;
  const oneByOne = new Examination(setup);
  for (const one of versions) oneByOne.add(one);
  assert.deepEqual(oneByOne.explained().diagnosis, diagnose(world).diagnosis);

  const weighed = new Examination({ ...setup, oldestCompletedMs: done.lastModifiedMs });
  for (const one of oneByOne.alike()) weighed.add(one.version, one);
  assert.deepEqual(weighed.alike(), oneByOne.alike());
  assert.deepEqual(
    weighed.alike().map((one) => [one.version.key, one.versions, one.bytes]),
    [
      ["a", 3, 300],
      ["d", 1, 100],
      ["m", 1, 0],
    ],
  );
  assert.deepEqual(weighed.explained().diagnosis.causes, diagnose(world).diagnosis.causes);
});

test("diagnose: thousands of delete markers are counted on the side of replication's beginning on which they are", () => {
  const doneMs = Date.UTC(2026, 0, 2);
  const done = version("done", { replicationStatus: "COMPLETED", lastModifiedMs: doneMs });
  const marker = (index: number) =>
    version(`m${index}`, {
      isDeleteMarker: true,
      sizeBytes: 0,
      lastModifiedMs: doneMs - 9000 + ((index * 7919) % 12_000),
    });
  const { versions: _, ...setup } = facts({ policies: [SOURCE_BUCKET, SOURCE_OBJECTS], versions: [] });
  const early = new Examination(setup);
  const known = new Examination({ ...setup, oldestCompletedMs: doneMs });
  for (let index = 0; index < 12_000; index += 1) for (const one of [early, known]) one.add(marker(index));
  const moved = early.under(setup);
  for (const one of [moved, known]) one.add(done);
  const gist = (one: Examination) =>
    one
      .alike()
      .map(({ versions, bytes, sinceMs }) => [versions, bytes, sinceMs].join())
      .sort();
  assert.deepEqual(gist(moved), gist(known));
  assert.deepEqual(
    gist(moved).map((one) => one.split(",")[0]),
    ["1", "3000", "9000"],
  );
  assert.deepEqual(moved.explained().diagnosis.scanned, known.explained().diagnosis.scanned);
});
