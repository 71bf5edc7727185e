/**
 * Makes one signed call to a store and reads its answer as far as every operation has to.
 *
 * Not here: what operations there are (`client.ts`, `bucket-settings.ts`).
 */
import { assert } from "../core/assert.ts";
import type { Credentials } from "../core/model.ts";
import type { XmlElement } from "../core/xml.ts";
import { optional } from "./answers.ts";
import type { ChunkSigning } from "./chunked.ts";
import { errorOfAnswer, errorOfDocument } from "./error-answers.ts";
import { S3Error } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { ListingError } from "./listings.ts";
import { callText, failedCall } from "./network-errors.ts";
import { preparePayload } from "./payload.ts";
import type { ProviderProfile } from "./profiles.ts";
import type { Headers } from "./requests.ts";
import { parseAuthorization, signHeaders } from "./sigv4.ts";
import type { CallOptions, Payload } from "./store.ts";
import { type Endpoint, type Query, rawQueryOf, type Target, targetOf } from "./target.ts";
import type { Transport, WireRequest } from "./transport.ts";
import { parseXml, XmlError } from "./xml.ts";

/** One call of the S3 API. */
export interface Call {
  /** Its name in the API reference. */
  readonly operation: string;
  readonly method: WireRequest["method"];
  readonly bucket?: string;
  readonly key?: string;
  readonly query?: Query;
  /** Taken over: the signature is added to it. */
  readonly headers?: Headers;
  readonly payload?: Payload;
  /** For answers that S3 itself takes long for. */
  readonly headersTimeoutMs?: number;
}

/** How the pages of a listing are read. */
export interface PageKind<Page> {
  /** The name of the documents' root. */
  readonly root: string;
  /** Without a tree; undefined for what is not of the plain kind. @throws ListingError */
  readPlain(text: string): Page | undefined;
  /** @throws ListingError */
  read(root: XmlElement): Page;
}

/** What all calls of one client have in common. */
export interface CallerOptions {
  readonly endpoint: Endpoint;
  readonly region: string;
  readonly credentials: Credentials | (() => Credentials | Promise<Credentials>);
  readonly profile: ProviderProfile;
  readonly addressing: ProviderProfile["addressing"];
  readonly userAgent: string;
  readonly clock: () => number;
  readonly transport: Transport;
}

/** A listing of 1,000 versions with the longest keys is below 8 MiB. */
const DOCUMENT_BYTES_MAX = 8 * 1024 * 1024;

/** Makes calls to one endpoint in somebody's name. */
export class Caller {
  readonly #options: CallerOptions;

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  get profile(): ProviderProfile {
    return this.#options.profile;
  }

  get region(): string {
    return this.#options.region;
  }

  /**
   * Makes a call. Fulfilled by the headers of an answer below 300; its body must be read or cancelled.
   *
   * @throws S3Error for every other answer, and when there is none
   */
  async send(call: Call, options: CallOptions = {}): Promise<Exchange> {
    const exchange = await this.#options.transport.send(await this.#sign(call), options);
    if (exchange.status < 300) return exchange;
    throw await errorOfAnswer(exchange, this.#options.clock());
  }

  /** Makes a call whose answer's body means nothing. */
  async sendOnly(call: Call, options?: CallOptions): Promise<Exchange> {
    const exchange = await this.send(call, options);
    exchange.cancel();
    return exchange;
  }

  /**
   * Makes a call that is answered with a document.
   *
   * @param roots the names that its root may have: there are stores that answer a subresource which they do not know
   *              with something else
   * @throws S3Error also for an `<Error>` document under status 200
   */
  async sendForDocument(
    call: Call,
    roots: readonly string[],
    options?: CallOptions,
  ): Promise<{ readonly root: XmlElement; readonly exchange: Exchange }> {
    const { text, exchange } = await this.#textOf(call, options);
    return { root: this.#rootOf(text, exchange, roots), exchange };
  }

  /**
   * Makes a call that is answered with a page of a listing.
   *
   * @throws S3Error also for an `<Error>` document under status 200, and for a page that cannot be read or continued
   */
  async sendForPage<Page>(call: Call, kind: PageKind<Page>, options?: CallOptions): Promise<Page> {
    const { text, exchange } = await this.#textOf(call, options);
    try {
      return kind.readPlain(text) ?? kind.read(this.#rootOf(text, exchange, [kind.root]));
    } catch (error) {
      if (error instanceof ListingError) throw failedCall("protocol", exchange.call, error, error.message);
      throw error;
    }
  }

  async #textOf(call: Call, options?: CallOptions): Promise<{ readonly text: string; readonly exchange: Exchange }> {
    const exchange = await this.send(call, options);
    const bytes = await exchange.bytesUpTo(DOCUMENT_BYTES_MAX);
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
    return { text, exchange };
  }

  #rootOf(text: string, exchange: Exchange, roots: readonly string[]): XmlElement {
    let root: XmlElement;
    try {
      root = parseXml(text);
    } catch (error) {
      if (!(error instanceof XmlError)) throw error;
      throw failedCall("protocol", exchange.call, error, `the answer is no readable XML: ${error.message}`);
    }
    if (root.name === "Error") throw errorOfDocument(exchange, root, this.#options.clock());
    if (roots.includes(root.name)) return root;
    const detail = `the answer is a <${root.name}>, not a <${roots.join("> or <")}>: the store does not know the operation`;
    throw failedCall("protocol", exchange.call, undefined, detail);
  }

  async #sign(call: Call): Promise<WireRequest> {
    const { endpoint, region, credentials: given, profile, userAgent, clock } = this.#options;
    const { method, query, headers = {} } = call;
    const payload = preparePayload(call.payload, headers, profile, endpoint.protocol === "https:");
    try {
      const { origin, host, rawPath } = this.#target(call);
      const rawQuery = query === undefined ? "" : rawQueryOf(query);
      const credentials = typeof given === "function" ? await askFor(given, call) : given;

      headers["host"] = host;
      const context = { credentials, region, service: "s3", nowMs: clock() };
      const added = signHeaders({ method, rawPath, rawQuery, headers }, payload.payloadHash, context);
      Object.assign(headers, added);
      headers["user-agent"] = userAgent;
      return {
        call: { operation: call.operation, bucket: call.bucket, key: call.key, origin },
        method,
        path: rawQuery === "" ? rawPath : `${rawPath}?${rawQuery}`,
        headers,
        body: payload.body(payload.signsChunks ? chunkSigning(added, credentials) : undefined),
        source: payload.source,
        headersTimeoutMs: call.headersTimeoutMs,
      };
    } catch (error) {
      payload.source?.release();
      throw error;
    }
  }

  #target(call: Call): Target {
    const { endpoint, addressing } = this.#options;
    try {
      return targetOf(endpoint, addressing, call.bucket, call.key);
    } catch (error) {
      const name = { operation: call.operation, bucket: call.bucket, key: call.key, origin: endpoint.origin };
      throw failedCall("protocol", name, error, "the key holds an unpaired surrogate, which UTF-8 cannot carry");
    }
  }
}

/** What the chunks of a body are chained to, from the headers that signed its request. */
function chunkSigning(signed: Headers, credentials: Credentials): ChunkSigning {
  const authorization = parseAuthorization(signed["authorization"] ?? "");
  assert(authorization !== undefined, "what was signed can be read");
  return {
    secretAccessKey: credentials.secretAccessKey,
    scope: authorization.scope,
    amzDate: signed["x-amz-date"] ?? "",
    seedSignature: authorization.signature,
  };
}

async function askFor(provider: () => Credentials | Promise<Credentials>, call: Call): Promise<Credentials> {
  try {
    return await provider();
  } catch (error) {
    // A provider that asked a service tells what that has answered.
    if (error instanceof S3Error) throw error;
    const what = `${callText(call)}: there are no credentials to sign it with`;
    throw new S3Error(what, errorFields(call), { cause: error });
  }
}

function errorFields(call: Call) {
  return { operation: call.operation, ...optional("bucket", call.bucket), ...optional("key", call.key) };
}
