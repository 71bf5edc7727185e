/**
 * CloudTrail of the lab put together: it listens to calls over the wire, to the keys that S3 uses for callers, and to
 * services that assume roles; keeps management events for LookupEvents, and hands trails what they select.
 *
 * Calls within the process (batch jobs, a store that was opened without sockets) leave no events of their own.
 */
import { randomUUID } from "node:crypto";
import { parseArn } from "../../core/arn.ts";
import type { Database } from "../../ledger/database.ts";
import type { CallEnd, CallRecord, Recorder } from "../call-record.ts";
import { type Caller, type Identity, type Keys, type KeyUse, ServiceError, type Skin } from "../model.ts";
import type { S3Service } from "../s3/service.ts";
import { controlFactsOf, isRecordedService, keyResources } from "./control-facts.ts";
import { type CallFacts, eventsOf } from "./event.ts";
import { EventHistory } from "./history.ts";
import type { TrailEvent } from "./model.ts";
import { controlFacts, isDataEvent, s3Facts } from "./s3-facts.ts";
import { createCloudTrailSkin } from "./skin.ts";
import { Trails } from "./trails.ts";

export interface CloudTrail extends Recorder {
  readonly skin: Skin;
  /** Writes down what is collected, and delivers it to the trails' buckets. */
  deliver(): Promise<void>;
}

/** Collects events of what happens within the lab; made before the services whose doings they are. */
export class TrailEvents {
  #listener: ((event: TrailEvent) => void) | undefined;

  /** Called once, before the first call. */
  listen(listener: (event: TrailEvent) => void): void {
    this.#listener = listener;
  }

  add(facts: CallFacts): void {
    if (this.#listener !== undefined) for (const event of eventsOf(facts)) this.#listener(event);
  }
}

export function createCloudTrail(
  s3: S3Service,
  events: TrailEvents,
  options: { readonly database: Database; readonly clock: () => number; readonly onFault: (error: unknown) => void },
): CloudTrail {
  const { database, clock, onFault } = options;
  const history = new EventHistory(database, onFault);
  const trails = new Trails(database, s3);
  events.listen((event) => {
    if (event.category === "Management") history.add(event);
    trails.add(event);
  });

  function factsOf(record: CallRecord, end: CallEnd): CallFacts | undefined {
    if (record.service === "s3") {
      return s3Facts(record, end, s3.buckets.find(record.target?.bucket ?? ""));
    }
    if (record.service === "s3control") return controlFacts(record, end);
    return controlFactsOf(record, end, (...key) => s3.keys.resolve(...key));
  }

  return {
    skin: createCloudTrailSkin({ trails, history, authoriser: s3.authoriser, clock }),

    wants({ service, target }) {
      if (service !== "s3") return service === "s3control" || isRecordedService(service);
      return target !== undefined && (trails.takesData || !isDataEvent(target)) && target.operation !== undefined;
    },

    record(record, end) {
      const facts = factsOf(record, end);
      if (facts !== undefined) events.add(facts);
    },

    async deliver() {
      await history.flush(clock());
      await trails.deliver(clock());
    },
  };
}

const SESSION_SERVICE = "sts.amazonaws.com";
const STS_REGION = "us-east-1";

/** Identity whose roles, assumed for a service, are events of the role's account. @source aws-replication.md §9.3 */
export function recordedIdentity(identity: Identity, events: TrailEvents): Identity {
  return {
    ...identity,
    async assumeForService(request) {
      const { service, roleArn, sessionName, nowMs } = request;
      const note = (error: ServiceError | undefined, responseElements: CallFacts["responseElements"]): void => {
        const account = parseArn(roleArn)?.account;
        events.add({
          source: SESSION_SERVICE,
          name: "AssumeRole",
          category: "Management",
          readOnly: true,
          region: STS_REGION,
          isGlobal: false,
          caller: { principal: { kind: "service", service }, accessKeyId: "", identity: [] },
          atMs: nowMs,
          remoteIp: service,
          userAgent: service,
          requestId: randomUUID(),
          error,
          requestParameters: { roleArn, roleSessionName: sessionName },
          responseElements,
          resources: [{ ...(account === undefined ? {} : { account }), type: "AWS::IAM::Role", arn: roleArn }],
          ownerAccount: account,
        });
      };
      try {
        const credentials = await identity.assumeForService(request);
        const { accessKeyId, expiresAtMs } = credentials;
        const expiration = expiresAtMs === undefined ? {} : { expiration: new Date(expiresAtMs).toISOString() };
        note(undefined, { credentials: { accessKeyId, ...expiration } });
        return credentials;
      } catch (error) {
        if (error instanceof ServiceError) note(error, null);
        throw error;
      }
    },
  };
}

/**
 * Keys whose use for a caller of S3 is an event, as a call of KMS by that caller. What S3 calls itself there is unconfirmed
 * for replication.
 */
export function recordedKeys(keys: Keys, events: TrailEvents, clock: () => number): Keys {
  async function noted<T extends { readonly keyArn: string }>(
    name: string,
    caller: Caller,
    use: Omit<KeyUse, "keyId"> & { readonly keyId?: string },
    work: Promise<T>,
  ): Promise<T> {
    const note = (error: ServiceError | undefined, keyArn: string | undefined): void => {
      const { principal } = caller;
      const resources = keyArn === undefined ? [] : keyResources(keyArn);
      events.add({
        source: "kms.amazonaws.com",
        name,
        category: "Management",
        readOnly: true,
        region: use.region,
        isGlobal: false,
        caller: caller.invokedBy === undefined ? { ...caller, invokedBy: "AWS Internal" } : caller,
        atMs: clock(),
        remoteIp: "AWS Internal",
        userAgent: "AWS Internal",
        requestId: randomUUID(),
        error,
        requestParameters: {
          encryptionContext: use.encryptionContext,
          ...(use.keyId === undefined ? {} : { keyId: use.keyId }),
          ...(name === "GenerateDataKey" ? { keySpec: "AES_256" } : { encryptionAlgorithm: "SYMMETRIC_DEFAULT" }),
        },
        responseElements: null,
        resources,
        ownerAccount: resources[0]?.account ?? ("accountId" in principal ? principal.accountId : undefined),
      });
    };
    try {
      const answer = await work;
      note(undefined, answer.keyArn);
      return answer;
    } catch (error) {
      const home = "accountId" in caller.principal ? caller.principal.accountId : "";
      if (error instanceof ServiceError) {
        note(error, use.keyId === undefined ? undefined : keys.resolve(use.keyId, home, use.region));
      }
      throw error;
    }
  }

  return {
    resolve: (...args) => keys.resolve(...args),
    generateDataKey: (caller, use) => noted("GenerateDataKey", caller, use, keys.generateDataKey(caller, use)),
    encryptDataKey: (caller, use, plaintext) =>
      noted("Encrypt", caller, use, keys.encryptDataKey(caller, use, plaintext)),
    decryptDataKey: (caller, use, ciphertext) =>
      noted("Decrypt", caller, use, keys.decryptDataKey(caller, use, ciphertext)),
  };
}
