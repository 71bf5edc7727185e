import assert from "node:assert/strict";
import { test } from "node:test";
import { type AdvancedSelector, type BasicSelector, DEFAULT_SELECTORS, type Trail, type TrailEvent } from "./model.ts";
import { takesData, takesEvent } from "./selectors.ts";

const TRAIL: Trail = {
  arn: "arn:aws:cloudtrail:us-east-1:111122223333:trail/t",
  name: "t",
  account: "111122223333",
  homeRegion: "us-east-1",
  bucket: "logs",
  isMultiRegion: false,
  includesGlobalServices: true,
  logFileValidation: false,
  isLogging: true,
  selectors: DEFAULT_SELECTORS,
};
const MANAGEMENT: TrailEvent = {
  id: "e",
  account: "111122223333",
  region: "us-east-1",
  atMs: 0,
  category: "Management",
  source: "kms.amazonaws.com",
  name: "Decrypt",
  readOnly: true,
  isGlobal: false,
  accessKeyId: undefined,
  username: undefined,
  userArn: "arn:aws:iam::111122223333:root",
  resources: [],
  objectArn: undefined,
  record: {},
};
const DATA: TrailEvent = {
  ...MANAGEMENT,
  category: "Data",
  source: "s3.amazonaws.com",
  name: "PutObject",
  readOnly: false,
  objectArn: "arn:aws:s3:::photos/2026/a",
};

function basic(selector: Partial<BasicSelector>): Trail {
  const whole = {
    ReadWriteType: "All",
    IncludeManagementEvents: true,
    DataResources: [],
    ExcludeManagementEventSources: [],
    ...selector,
  } as const;
  return { ...TRAIL, selectors: { kind: "basic", selectors: [whole] } };
}

function objects(...Values: string[]): Trail {
  return basic({ DataResources: [{ Type: "AWS::S3::Object", Values }] });
}

function advanced(...FieldSelectors: AdvancedSelector["FieldSelectors"]): Trail {
  return { ...TRAIL, selectors: { kind: "advanced", selectors: [{ FieldSelectors }] } };
}

test("trail: without selectors of its own a trail takes management events and no data events", () => {
  assert.equal(takesEvent(TRAIL, MANAGEMENT), true);
  assert.equal(takesEvent(TRAIL, DATA), false);
  assert.equal(takesData(TRAIL.selectors), false);
});

test("trail: events of other accounts and, for a trail of one Region, of other Regions are not taken", () => {
  assert.equal(takesEvent(TRAIL, { ...MANAGEMENT, account: "444455556666" }), false);
  assert.equal(takesEvent(TRAIL, { ...MANAGEMENT, region: "eu-west-1" }), false);
  assert.equal(takesEvent({ ...TRAIL, isMultiRegion: true }, { ...MANAGEMENT, region: "eu-west-1" }), true);
  assert.equal(takesEvent({ ...TRAIL, includesGlobalServices: false }, { ...MANAGEMENT, isGlobal: true }), false);
});

test("trail: a basic selector names objects by the beginning of their ARN", () => {
  assert.equal(takesEvent(objects("arn:aws:s3:::photos/"), DATA), true);
  assert.equal(takesEvent(objects("arn:aws:s3:::photos/2026/"), DATA), true);
  assert.equal(takesEvent(objects("arn:aws:s3"), DATA), true);
  assert.equal(takesEvent(objects("arn:aws:s3:::photos/2025/"), DATA), false);
  assert.equal(takesData(objects("arn:aws:s3").selectors), true);
});

test("trail: reads, writes and sources are left out where the selector says so", () => {
  assert.equal(takesEvent(basic({ ReadWriteType: "WriteOnly" }), MANAGEMENT), false);
  assert.equal(takesEvent(basic({ ReadWriteType: "ReadOnly" }), MANAGEMENT), true);
  assert.equal(takesEvent(basic({ ExcludeManagementEventSources: ["kms.amazonaws.com"] }), MANAGEMENT), false);
  assert.equal(takesEvent(basic({ IncludeManagementEvents: false }), MANAGEMENT), false);
});

test("trail: of an advanced selector every field has to fit", () => {
  const category = { Field: "eventCategory", Equals: ["Data"] };
  const type = { Field: "resources.type", Equals: ["AWS::S3::Object"] };
  const inPhotos = { Field: "resources.ARN", StartsWith: ["arn:aws:s3:::photos/"] };
  assert.equal(takesEvent(advanced(category, type, inPhotos), DATA), true);
  assert.equal(takesEvent(advanced(category, type, inPhotos), MANAGEMENT), false);
  assert.equal(takesEvent(advanced(category, { Field: "readOnly", Equals: ["true"] }), DATA), false);
  assert.equal(takesEvent(advanced(category, { Field: "eventName", NotEquals: ["PutObject"] }), DATA), false);
  assert.equal(takesEvent(advanced(category, { Field: "resources.ARN", NotEndsWith: ["/a"] }), DATA), false);
});
