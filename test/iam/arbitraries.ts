/**
 * Random policies and requests from a small vocabulary, so that they often have something to do with each other.
 */
import fc from "fast-check";
import { compilePolicy } from "../../src/core/iam/compile.ts";
import { principalContext } from "../../src/core/iam/context.ts";
import type { DocumentKind } from "../../src/core/iam/document.ts";
import type { Policies } from "../../src/core/iam/evaluate.ts";
import type { AccessRequest, Grant, PolicyKind, Principal } from "../../src/core/iam/model.ts";
import { parsePolicy } from "../../src/core/iam/parse.ts";
import type { Json, JsonObject, ReferencePolicies } from "./reference.ts";

const OWN = "111122223333";
/** A policy variable, written so that it does not look like a slip in a string. */
const variable = (inner: string): string => `$${"{"}${inner}}`;

const OTHER = "444455556666";

const PRINCIPALS: readonly Principal[] = [
  { kind: "root", accountId: OWN, arn: `arn:aws:iam::${OWN}:root` },
  { kind: "user", accountId: OWN, arn: `arn:aws:iam::${OWN}:user/anna`, userId: "AIDAANNA000000000001" },
  {
    kind: "session",
    accountId: OWN,
    arn: `arn:aws:sts::${OWN}:assumed-role/app/s1`,
    roleArn: `arn:aws:iam::${OWN}:role/path/app`,
    roleId: "AROAAPP0000000000001",
    sessionName: "s1",
  },
  { kind: "service", service: "s3.amazonaws.com" },
  { kind: "anonymous" },
];

const action = fc.constantFrom("s3:GetObject", "s3:GetObjectAcl", "s3:PutObject", "kms:Decrypt");
const actionPattern = fc.oneof(action, fc.constantFrom("*", "s3:*", "s3:Get*", "S3:*object", "s3:?etObject", "kms:*"));
const resource = fc.constantFrom(
  "arn:aws:s3:::b",
  "arn:aws:s3:::b/k",
  "arn:aws:s3:::b/anna/k",
  "arn:aws:kms:r:1:key/1",
);
const resourcePattern = fc.oneof(
  resource,
  fc.constantFrom(
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::?/*k",
    "arn:*:s3:::b",
    "arn:aws:kms:*:*:key/*",
    `arn:aws:s3:::b/${variable("aws:username")}/*`,
    `arn:aws:s3:::b/${variable("aws:PrincipalTag/x, 'anna'")}/?`,
  ),
);

const oneOrMany = <Value extends Json>(value: fc.Arbitrary<Value>): fc.Arbitrary<Json> =>
  fc.oneof(value, fc.array(value, { minLength: 1, maxLength: 3 }));

const awsPrincipal = fc.constantFrom(
  "*",
  OWN,
  OTHER,
  `arn:aws:iam::${OWN}:root`,
  `arn:aws:iam::${OWN}:user/anna`,
  `arn:aws:iam::${OWN}:role/path/app`,
  `arn:aws:sts::${OWN}:assumed-role/app/s1`,
  "AROAAPP0000000000001",
  "AIDAANNA000000000001",
);
const principalElement: fc.Arbitrary<Json> = fc.oneof(
  fc.constant("*"),
  fc.record({ AWS: oneOrMany(awsPrincipal) }),
  fc.record({
    AWS: fc.constant([
      `arn:aws:iam::${OWN}:root`,
      `arn:aws:iam::${OWN}:user/anna`,
      `arn:aws:iam::${OWN}:role/path/app`,
    ]),
  }),
  fc.record({ Service: fc.constantFrom("s3.amazonaws.com", "ec2.amazonaws.com") }),
);

const contextKey = fc.constantFrom(
  "aws:username",
  "aws:PrincipalArn",
  "s3:prefix",
  "aws:TagKeys",
  "aws:SourceIp",
  "s3:max-keys",
);
const textValue = fc.constantFrom(
  "",
  "anna",
  "Anna",
  "a*",
  "10",
  "9",
  "true",
  "10.0.0.1",
  `arn:aws:iam::${OWN}:user/anna`,
);
const textOperator = fc.constantFrom(
  "StringEquals",
  "StringNotEquals",
  "StringEqualsIgnoreCase",
  "StringNotEqualsIgnoreCase",
  "StringLike",
  "StringNotLike",
  "ArnLike",
  "ArnNotEquals",
);
const typedConditions: readonly fc.Arbitrary<readonly [string, Json]>[] = [
  fc.tuple(
    fc.constantFrom("NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericGreaterThanEquals"),
    oneOrMany(fc.constantFrom("9", "10", "11")),
  ),
  fc.tuple(
    fc.constantFrom("IpAddress", "NotIpAddress"),
    oneOrMany(fc.constantFrom("10.0.0.0/8", "10.0.0.1", "192.0.2.0/24")),
  ),
  fc.tuple(fc.constantFrom("Bool", "Null"), oneOrMany(fc.constantFrom("true", "false"))),
  fc.tuple(
    textOperator,
    oneOrMany(
      fc.oneof(
        textValue,
        fc.constantFrom(
          "*",
          "a*",
          "?nna",
          variable("aws:username"),
          variable("*"),
          "arn:aws:iam::*:user/*",
          `arn:aws:iam::*:*/${variable("aws:username")}`,
        ),
      ),
    ),
  ),
];
const condition: fc.Arbitrary<JsonObject> = fc
  .tuple(
    fc.constantFrom("", "", "ForAllValues:", "ForAnyValue:"),
    fc.oneof(...typedConditions),
    fc.constantFrom("", "", "IfExists"),
    contextKey,
  )
  .map(([set, [operator, values], suffix, key]) => ({
    [`${set}${operator}${operator === "Null" ? "" : suffix}`]: { [key]: values },
  }));

/** How many allows there are to one deny. */
const ALLOWS = ["Allow", "Allow", "Allow", "Allow", "Allow", "Allow", "Allow"] as const;

/** One statement, as JSON. */
export function statement(options: {
  readonly principals: boolean;
  readonly effect?: "Deny";
}): fc.Arbitrary<JsonObject> {
  return fc
    .record({
      effect: fc.constantFrom(...ALLOWS.map((allow) => options.effect ?? allow), "Deny"),
      principal: fc.tuple(fc.constantFrom("Principal", "Principal", "NotPrincipal"), principalElement),
      action: fc.tuple(fc.constantFrom("Action", "Action", "Action", "NotAction"), oneOrMany(actionPattern)),
      resource: fc.tuple(
        fc.constantFrom("Resource", "Resource", "Resource", "NotResource"),
        oneOrMany(resourcePattern),
      ),
      condition: fc.option(condition, { nil: undefined, freq: 1 }),
    })
    .map(({ effect, principal, action: actions, resource: resources, condition: block }) => ({
      Effect: effect,
      ...(options.principals ? { [principal[0]]: principal[1] } : {}),
      [actions[0]]: actions[1],
      [resources[0]]: resources[1],
      ...(block === undefined ? {} : { Condition: block }),
    }));
}

/** One document, as JSON. */
function document(principals: boolean): fc.Arbitrary<JsonObject> {
  return fc.record({
    Version: fc.constantFrom("2012-10-17", "2012-10-17", "2008-10-17"),
    Statement: fc.array(statement({ principals }), { minLength: 1, maxLength: 3 }),
  });
}

const grant: fc.Arbitrary<Grant> = fc.record(
  {
    grantId: fc.constant("g"),
    granteePrincipal: fc.constantFrom(OWN, `arn:aws:iam::${OWN}:user/anna`, `arn:aws:iam::${OWN}:role/path/app`),
    operations: fc.constantFrom(["Decrypt"], ["Encrypt"], ["Encrypt", "Decrypt"]),
    encryptionContextEquals: fc.constantFrom({}, { A: "1" }),
    encryptionContextSubset: fc.constantFrom({ a: "1" }, { A: "2" }),
  },
  { requiredKeys: ["grantId", "granteePrincipal", "operations"] },
);

/** There in one of `freq + 1` decisions. */
function rarely<Value>(value: fc.Arbitrary<Value>, freq: number): fc.Arbitrary<Value | undefined> {
  return fc.oneof({ arbitrary: fc.constant(undefined), weight: freq }, { arbitrary: value, weight: 1 });
}

/** Every policy of one decision, as JSON. */
export const policies: fc.Arbitrary<ReferencePolicies> = fc
  .record({
    identity: fc.array(document(false), { maxLength: 2 }),
    boundary: rarely(document(false), 4),
    session: rarely(fc.array(document(false), { maxLength: 2 }), 4),
    resource: rarely(document(true), 1),
    resourceRule: fc.constantFrom("either" as const, "either" as const, "resource" as const),
    grants: rarely(fc.array(grant, { maxLength: 2 }), 4),
    scps: rarely(fc.array(fc.array(document(false), { maxLength: 2 }), { maxLength: 2 }), 9),
    rcps: rarely(fc.array(fc.array(document(true), { maxLength: 2 }), { maxLength: 1 }), 9),
    vpcEndpoint: rarely(document(true), 9),
  })
  .map(({ identity, resourceRule, ...others }) => ({
    identity,
    resourceRule,
    ...Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined)),
  }));

export const request: fc.Arbitrary<AccessRequest> = fc
  .record({
    principal: fc.constantFrom(...PRINCIPALS, ...PRINCIPALS.slice(1, 3), ...PRINCIPALS.slice(1, 3)),
    action,
    resource,
    resourceAccount: fc.constantFrom(OWN, OWN, OTHER),
    context: fc.dictionary(
      fc.constantFrom("aws:username", "aws:principaltag/x", "s3:prefix", "aws:tagkeys", "aws:sourceip", "s3:max-keys"),
      fc.oneof(textValue, textValue, fc.array(textValue, { maxLength: 2 })),
    ),
    encryptionContext: fc.constantFrom({}, {}, { "kms:encryptioncontext:a": "1" }),
  })
  .map(({ context, encryptionContext, ...rest }) => ({
    ...rest,
    context: { ...principalContext(rest.principal), ...context, ...encryptionContext },
  }));

/** Compiles what the reference takes as JSON. */
export function compileAll(all: ReferencePolicies): Policies {
  const compile = (kind: PolicyKind, documentKind: DocumentKind) => (json: Json) => {
    const { document: parsed, problems } = parsePolicy(json, documentKind);
    if (parsed === undefined) throw new Error(JSON.stringify(problems));
    return compilePolicy(parsed, { kind, name: kind });
  };
  const { boundary, session, resource: own, grants, scps, rcps, vpcEndpoint } = all;
  return {
    identity: all.identity.map(compile("identity", "identity")),
    resourceRule: all.resourceRule,
    ...(boundary === undefined ? {} : { boundary: compile("boundary", "identity")(boundary) }),
    ...(session === undefined ? {} : { session: session.map(compile("session", "identity")) }),
    ...(own === undefined ? {} : { resource: compile("resource", "resource")(own) }),
    ...(grants === undefined ? {} : { grants }),
    ...(scps === undefined ? {} : { scps: scps.map((level) => level.map(compile("scp", "identity"))) }),
    ...(rcps === undefined ? {} : { rcps: rcps.map((level) => level.map(compile("rcp", "resource"))) }),
    ...(vpcEndpoint === undefined ? {} : { vpcEndpoint: compile("vpcEndpoint", "resource")(vpcEndpoint) }),
  };
}
