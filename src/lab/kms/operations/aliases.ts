/** Aliases. Each of these operations needs permission on the alias and on every key that it leads to. */
import type { TextRule } from "../../constraints.ts";
import { kmsError, notFound } from "../errors.ts";
import { S3_ALIAS } from "../keyring.ts";
import { type Alias, aliasArn, type Key, keyArn } from "../model.ts";
import { type KmsOperation, type KmsRequest, seconds } from "../request.ts";
import { requireState } from "../states.ts";

const ALIAS_NAME: TextRule = { max: 256, pattern: /^[a-zA-Z0-9:/_-]+$/ };
const NAME = /^alias\/[a-zA-Z0-9/_-]+$/;
const RESERVED = "alias/aws/";

export const createAlias: KmsOperation = async (request) => {
  const { keyring, home, nowMs } = request;
  const name = aliasName(request);
  const arn = aliasArn({ ...home, name });
  request.access.requireOn(request, arn, "CreateAlias");
  const target = targetKey(request);
  await keyring.change(() => {
    if (keyring.alias(arn) !== undefined) {
      throw kmsError("AlreadyExistsException", `An alias with the name ${arn} already exists`);
    }
    const key = request.current(target);
    requireState(key, "change");
    const alias: Alias = { arn, ...home, name, keyId: key.keyId, createdAtMs: nowMs, updatedAtMs: nowMs };
    return [undefined, keyring.aliases.put(alias)];
  });
  return undefined;
};

export const updateAlias: KmsOperation = async (request) => {
  const { keyring, nowMs } = request;
  const alias = authorisedAlias(request);
  const target = targetKey(request);
  await keyring.change(() => {
    const key = request.current(target);
    requireState(key, "change");
    return [
      undefined,
      keyring.aliases.put({ ...currentAlias(request, alias.arn), keyId: key.keyId, updatedAtMs: nowMs }),
    ];
  });
  return undefined;
};

export const deleteAlias: KmsOperation = async (request) => {
  const { keyring } = request;
  const { arn } = authorisedAlias(request);
  await keyring.change(() => [undefined, keyring.aliases.remove(currentAlias(request, arn))]);
  return undefined;
};

/** `alias/aws/s3` is listed before its key exists, then without one: asking for the key makes it. */
export const listAliases: KmsOperation = async (request) => {
  const { keyring, home, input } = request;
  request.access.requireOn(request, "*", "ListAliases");
  const wanted = input.has("KeyId") ? request.key() : undefined;
  const aliases: (Pick<Alias, "name" | "arn"> & Partial<Alias>)[] = [...keyring.aliases.values()].filter(
    (one) =>
      one.accountId === home.accountId &&
      one.region === home.region &&
      (wanted === undefined || one.keyId === wanted.keyId) &&
      keyring.key(one.keyId) !== undefined,
  );
  const s3Alias = { name: S3_ALIAS, arn: aliasArn({ ...home, name: S3_ALIAS }) };
  if (wanted === undefined && keyring.alias(s3Alias.arn) === undefined) aliases.push(s3Alias);
  const { items, members } = request.page(aliases, (one) => one.name, { normal: 50, max: 100 });
  return { Aliases: items.map(printAlias), ...members };
};

function printAlias(alias: Pick<Alias, "name" | "arn"> & Partial<Alias>): Readonly<Record<string, unknown>> {
  const { name, arn, keyId, createdAtMs, updatedAtMs } = alias;
  return {
    AliasName: name,
    AliasArn: arn,
    ...(keyId === undefined ? {} : { TargetKeyId: keyId }),
    ...(createdAtMs === undefined ? {} : { CreationDate: seconds(createdAtMs) }),
    ...(updatedAtMs === undefined ? {} : { LastUpdatedDate: seconds(updatedAtMs) }),
  };
}

function aliasName(request: KmsRequest): string {
  const name = request.input.text("AliasName", ALIAS_NAME);
  if (!NAME.test(name)) throw kmsError("ValidationException", "Invalid identifier: an alias is written alias/NAME.");
  if (name.startsWith(RESERVED)) throw kmsError("InvalidAliasNameException", "Alias must not begin with alias/aws/");
  return name;
}

/** An alias that is there, after asking for permission on it and on the key that it leads to. */
function authorisedAlias(request: KmsRequest): Alias {
  const arn = aliasArn({ ...request.home, name: aliasName(request) });
  request.access.requireOn(request, arn, request.action);
  const alias = currentAlias(request, arn);
  const key = request.keyring.key(alias.keyId);
  if (key !== undefined) request.access.requireKey(request, key, request.action);
  return alias;
}

function currentAlias(request: KmsRequest, arn: string): Alias {
  const alias = request.keyring.alias(arn);
  if (alias === undefined) throw notFound(`Alias ${arn} is not found.`);
  return alias;
}

/** The key that an alias is to lead to: of the same account and region, and the caller may point at it. */
function targetKey(request: KmsRequest): Key {
  const key = request.ownKey(undefined, "TargetKeyId");
  if (key.manager === "AWS") {
    throw kmsError("ValidationException", `An alias cannot lead to ${keyArn(key)}, which AWS manages.`);
  }
  return key;
}
