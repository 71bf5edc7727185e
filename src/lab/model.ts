/**
 * The lab's nouns, and the interfaces through which its services use each other.
 *
 * The lab is one process with several accounts and regions. Each service has a brain (typed operations over
 * `lab.db`) and a skin (its AWS wire protocol). `server.ts` authenticates every call and hands it to a skin; a brain
 * authorises what it is asked to do before it does it.
 */
import type { CompiledPolicy } from "../core/iam/compile.ts";
import type { Levels } from "../core/iam/evaluate.ts";
import type { Decision, Grant, Principal, RequestContext, ResourceRule } from "../core/iam/model.ts";
import type { Credentials } from "../core/model.ts";

/** Somebody whose signature was good, with the policies that limit what they may do. */
export interface Caller {
  readonly principal: Principal;
  readonly accessKeyId: string;
  /** Identity policies of the user or role: inline and attached managed ones. */
  readonly identity: readonly CompiledPolicy[];
  readonly boundary?: CompiledPolicy;
  /** Session policies that AssumeRole was given. */
  readonly session?: readonly CompiledPolicy[];
  /** Further condition keys of the principal, in lower case: its tags, when its token was issued, its source identity. */
  readonly context?: RequestContext;
  /** Set when an AWS service assumed the role for its own work: only such callers may write replicas. */
  readonly invokedBy?: string;
}

/** A caller without a signature. */
export const ANONYMOUS: Caller = { principal: { kind: "anonymous" }, accessKeyId: "", identity: [] };

/** Why a signature is not good. The server words it as the service at hand would. */
export type CredentialProblem = "unknownKey" | "inactiveKey" | "expiredToken" | "wrongToken" | "missingToken";

export type CredentialAnswer =
  | { readonly secretAccessKey: string; readonly caller: Caller }
  | { readonly problem: CredentialProblem };

/** Accounts, users, roles and sessions, as the rest of the lab sees them. */
export interface Identity {
  /** Looks up the secret behind an access key id; answers from memory. */
  credential(accessKeyId: string, sessionToken: string | undefined, nowMs: number): CredentialAnswer;

  /** Makes the account when it is new. Idempotent: the root credentials stay the same. */
  ensureAccount(accountId: string): Promise<Credentials>;
  hasAccount(accountId: string): boolean;
  /** In their order. */
  accountIds(): readonly string[];
  /** The 64 hex digits by which S3 calls an account. */
  canonicalUserId(accountId: string): string;
  accountOfCanonicalUserId(canonicalUserId: string): string | undefined;

  /** Whether a principal ARN, account id or unique id in a resource policy names something that exists. */
  principalExists(principal: string): boolean;

  /**
   * Makes the text of a resource policy fit to be stored: users and roles become their unique ids, so that a principal
   * that is deleted and made anew is another one. Changes nothing else.
   *
   * @param document JSON that has parsed as a policy
   * @returns the text; or the first principal that names nothing, in AWS's words: `"AWS":"arn:…"`
   */
  pinPrincipals(document: string): { readonly document: string } | { readonly unknownPrincipal: string };

  /** The inverse, for people: ids become the ARNs of today; the id of what is gone stays. */
  showPrincipals(document: string): string;

  /**
   * Asks whether the caller may hand the role to a service (iam:PassRole, which never crosses accounts).
   *
   * @param pass `service` is iam:PassedToService, where the call sets that key; `context` the keys of the request that
   *   passes the role
   * @throws ServiceError AccessDenied
   */
  requirePassRole(
    caller: Caller,
    pass: { readonly roleArn: string; readonly service?: string; readonly context: RequestContext },
  ): void;

  /**
   * Makes a session of the role for an AWS service. The role's trust policy decides.
   *
   * @throws ServiceError AccessDenied when the role is not there or does not trust the service
   */
  assumeForService(request: {
    readonly service: string;
    readonly roleArn: string;
    readonly sessionName: string;
    readonly nowMs: number;
  }): Promise<Credentials>;
}

/** What a caller wants to do, and the resource's side of the decision. */
export interface Ask {
  /** `s3:GetObject` */
  readonly action: string;
  readonly resource: string;
  readonly resourceAccount: string;
  /** Keys of the request itself; keys of the principal are added. */
  readonly context: RequestContext;
  readonly resourcePolicy?: CompiledPolicy;
  /** Default `either`. */
  readonly resourceRule?: ResourceRule;
  readonly grants?: readonly Grant[];
}

/** How the organisation that an account is in caps it. */
export interface Caps {
  /** Condition keys of requests that the account's principals make. */
  readonly principal: RequestContext;
  /** Condition keys of requests for the account's resources. */
  readonly resource: RequestContext;
  /** None for a management account, and where this kind of policy is not in use. */
  readonly scps?: Levels;
  readonly rcps?: Levels;
}

export interface AccountCaps {
  /** Undefined for accounts that are in no organisation. Answers from memory. */
  capsOf(accountId: string): Caps | undefined;
}

export interface Authoriser {
  decide(caller: Caller, ask: Ask): Decision;
  /** @throws ServiceError AccessDenied with AWS's enhanced message when the decision is no */
  require(caller: Caller, ask: Ask): void;
  /** What the caller is told of a no; the reason only where AWS tells it. */
  denial(caller: Caller, ask: Ask, decision: Extract<Decision, { allowed: false }>): string;
  /** Whether `denial` tells the reason. */
  tellsReason(caller: Caller, ask: Ask): boolean;
}

/** KMS as another service uses it on behalf of a caller: the caller's rights and the key's policy decide. */
export interface Keys {
  /** Action kms:GenerateDataKey. */
  generateDataKey(caller: Caller, request: KeyUse): Promise<DataKey>;
  /** Wraps a data key that the service has made itself. Action kms:Encrypt. */
  encryptDataKey(caller: Caller, request: KeyUse, plaintext: Uint8Array): Promise<DataKey>;
  /** Action kms:Decrypt. */
  decryptDataKey(caller: Caller, request: Omit<KeyUse, "keyId">, ciphertext: Uint8Array): Promise<DataKey>;
  /** Resolves a key id, key ARN or alias to the key's ARN, as S3 stores it; undefined when there is none. */
  resolve(keyId: string, account: string, region: string): string | undefined;
}

export interface KeyUse {
  /** Key id, key ARN, alias name or alias ARN; a bare id or alias belongs to the caller's account and `region`. */
  readonly keyId: string;
  readonly region: string;
  /** `s3.REGION.amazonaws.com`, for the condition key kms:ViaService. */
  readonly viaService: string;
  readonly encryptionContext: Readonly<Record<string, string>>;
}

export interface DataKey {
  readonly keyArn: string;
  readonly plaintext: Uint8Array;
  /** Opaque; names the key, so `decryptDataKey` needs no key id. */
  readonly ciphertext: Uint8Array;
}

/** An answer that says no, in the words of AWS. Skins print it in their protocol. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  readonly code: string;
  readonly status: number;
  /** Further elements of the error document, in order. */
  readonly details: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: string,
    status: number,
    message: string,
    more: {
      readonly details?: Readonly<Record<string, string>>;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(message);
    this.code = code;
    this.status = status;
    this.details = more.details ?? {};
    this.headers = more.headers ?? {};
  }
}

/** An authenticated HTTP call on its way to a service's skin. */
export interface ServiceCall {
  readonly caller: Caller;
  /** From the credential scope. */
  readonly region: string;
  readonly requestId: string;
  readonly nowMs: number;
  /** Keys of the request: aws:SourceIp, aws:SecureTransport, aws:CurrentTime, aws:UserAgent, … in lower case. */
  readonly context: RequestContext;
  readonly method: string;
  /** Path as sent, still percent-encoded, without the query. */
  readonly rawPath: string;
  /** Decoded parameters; a parameter without a value is "". */
  readonly query: ReadonlyMap<string, string>;
  /** Names in lower case; repeated headers joined by ",". */
  readonly headers: Readonly<Record<string, string>>;
  /** Checked against the signature while it is read. Throws ServiceError past the limit or on a bad digest. */
  readBody(limitBytes: number): Promise<Uint8Array>;
  /** Whether the client has hung up meanwhile: what it waits for is then not handed out. */
  readonly isGone?: () => boolean;
}

/** What is known of a call when an error is printed. */
export type RefusedCall = Pick<ServiceCall, "requestId" | "rawPath" | "method"> & {
  /** Tell services of several protocols which one the client speaks. */
  readonly headers?: Readonly<Record<string, string>>;
};

export interface ServiceAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
}

/** A wire protocol over a brain. Throws ServiceError; the same skin prints it through `printError`. */
export interface Skin {
  handle(call: ServiceCall): Promise<ServiceAnswer>;
  printError(error: ServiceError, call: RefusedCall): ServiceAnswer;
}
