import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { parseXml } from "../../s3/xml.ts";
import { type DocumentValue, documentOfXml } from "./document.ts";
import { parseReplication } from "./parse.ts";
import { printReplication } from "./print.ts";

interface Case {
  readonly name: string;
  readonly source: string;
  readonly document: { readonly Role?: string; readonly Rules: readonly Record<string, DocumentValue>[] };
  /** The first rule this many times, with IDs and priorities counted up. */
  readonly repeatRule?: number;
  readonly expected: readonly { readonly code: string; readonly path: string; readonly message?: string }[];
}

const CASES = JSON.parse(readFileSync("test/fixtures/config/validation.json", "utf8")) as readonly Case[];

for (const one of CASES) {
  test(`configuration: ${one.name}`, () => {
    const { problems } = parseReplication(documentOf(one));
    const found = problems.map(({ code, path, message }) => ({ code, path, message }));
    const expected = one.expected.map((problem, index) => ({ message: found[index]?.message, ...problem }));
    assert.deepEqual(found, expected);
    for (const problem of problems) assert.ok(problem.says.length > 0, `${problem.path} says nothing`);
  });
}

function documentOf(one: Case): unknown {
  if (one.repeatRule === undefined) return one.document;
  const [rule] = one.document.Rules;
  const rules = Array.from({ length: one.repeatRule }, (_, index) => ({ ...rule, ID: `r${index}`, Priority: index }));
  return { ...one.document, Rules: rules };
}

const FULL = `<?xml version="1.0" encoding="UTF-8"?>
<ReplicationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Role>arn:aws:iam::111122223333:role/path/replication</Role>
  <Rule><ID>tax</ID><Priority>2</Priority><Status>Enabled</Status>
    <Filter><And><Prefix>Tax/ &amp; more</Prefix><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>b</Key><Value/></Tag></And></Filter>
    <SourceSelectionCriteria><SseKmsEncryptedObjects><Status>Enabled</Status></SseKmsEncryptedObjects></SourceSelectionCriteria>
    <DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>
    <Destination><Bucket>arn:aws:s3:::dst</Bucket><Account>444455556666</Account><StorageClass>STANDARD_IA</StorageClass>
      <AccessControlTranslation><Owner>Destination</Owner></AccessControlTranslation>
      <EncryptionConfiguration><ReplicaKmsKeyID>arn:aws:kms:eu-west-1:444455556666:key/k</ReplicaKmsKeyID></EncryptionConfiguration>
      <ReplicationTime><Status>Enabled</Status><Time><Minutes>15</Minutes></Time></ReplicationTime>
      <Metrics><Status>Enabled</Status><EventThreshold><Minutes>15</Minutes></EventThreshold></Metrics>
    </Destination></Rule>
  <Rule><ID>rest</ID><Priority>1</Priority><Status>Disabled</Status><Filter/>
    <DeleteMarkerReplication><Status>Enabled</Status></DeleteMarkerReplication>
    <Destination><Bucket>arn:aws:s3:::dst</Bucket></Destination></Rule>
</ReplicationConfiguration>`;

test("configuration: every element of the XML arrives in the parsed configuration", () => {
  const { configuration, problems } = parseReplication(documentOfXml(parseXml(FULL)));
  assert.deepEqual(problems, []);
  assert.deepEqual(configuration, {
    roleArn: "arn:aws:iam::111122223333:role/path/replication",
    schema: "V2",
    rules: [
      {
        id: "tax",
        priority: 2,
        enabled: true,
        prefix: "Tax/ & more",
        tags: [
          { key: "a", value: "1" },
          { key: "b", value: "" },
        ],
        deleteMarkers: false,
        kmsObjects: true,
        replicaModifications: false,
        destination: {
          bucketArn: "arn:aws:s3:::dst",
          account: "444455556666",
          storageClass: "STANDARD_IA",
          ownerOverride: true,
          replicaKmsKeyArn: "arn:aws:kms:eu-west-1:444455556666:key/k",
          replicationTimeMinutes: 15,
          metrics: true,
        },
      },
      {
        id: "rest",
        priority: 1,
        enabled: false,
        prefix: "",
        tags: [],
        deleteMarkers: true,
        kmsObjects: false,
        replicaModifications: false,
        destination: { bucketArn: "arn:aws:s3:::dst", ownerOverride: false, metrics: false },
      },
    ],
  });
});

test("configuration: an empty filter is read and printed as an empty filter", () => {
  const document = documentOfXml(parseXml(FULL));
  assert.match(printReplication(document), /<Filter><\/Filter>/);
});

test("configuration: printing and reading again gives the same document, unknown members included", () => {
  const document = documentOfXml(parseXml(FULL)) as { Rules: Record<string, DocumentValue>[] };
  const withUnknown = { ...document, Future: { Setting: "on" } };
  assert.deepEqual(documentOfXml(parseXml(printReplication(withUnknown))), withUnknown);
});

test("configuration: V1 has no word on delete markers, so they are left undefined", () => {
  const rule = { ID: "r", Status: "Enabled", Prefix: "a/", Destination: { Bucket: "arn:aws:s3:::dst" } };
  const { configuration } = parseReplication({ Role: "arn:aws:iam::111122223333:role/r", Rules: [rule] });
  assert.equal(configuration?.schema, "V1");
  assert.equal(configuration?.rules[0]?.deleteMarkers, undefined);
  assert.equal(configuration?.rules[0]?.prefix, "a/");
});

test("configuration: whatever the input, parsing answers and never throws", () => {
  fc.assert(
    fc.property(fc.anything(), (input) => {
      const { configuration, problems } = parseReplication(input);
      assert.ok(configuration !== undefined || problems.length > 0);
    }),
  );
});
