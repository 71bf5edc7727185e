/** What the services of the query protocol have in common: form-encoded parameters in, XML out. Knows no service. */
import { printXml, type XmlNode } from "../core/xml.ts";
import type { ServiceAnswer, ServiceCall, ServiceError } from "./model.ts";

/** Parameters by their whole names, those of the URL and those of the body. */
export async function queryParameters(call: ServiceCall, bodyBytesMax: number): Promise<ReadonlyMap<string, string>> {
  if (call.method !== "POST") return call.query;
  const values = new Map(call.query);
  const body = Buffer.from(await call.readBody(bodyBytesMax)).toString();
  for (const [name, value] of new URLSearchParams(body)) values.set(name, value);
  return values;
}

/** Parameters by the parts of their names: `A.1.B=c` is `A` → `1` → `B` → `c`. */
export type ParameterTree = ReadonlyMap<string, string | ParameterTree>;
type GrowingTree = Map<string, string | GrowingTree>;

/** Nobody nests deeper; what does is left out. */
const DEPTH_MAX = 16;

export function treeOf(parameters: ReadonlyMap<string, string>): ParameterTree {
  const root: GrowingTree = new Map();
  for (const [name, value] of parameters) {
    const parts = name.split(".");
    const last = parts.pop() ?? "";
    if (parts.length > DEPTH_MAX) continue;
    let node = root;
    for (const part of parts) {
      let inner = node.get(part);
      if (!(inner instanceof Map)) {
        inner = new Map();
        node.set(part, inner);
      }
      node = inner;
    }
    node.set(last, value);
  }
  return root;
}

/** The members of a numbered list, in the order of their numbers. */
export function numbered(tree: ParameterTree): (string | ParameterTree)[] {
  return [...tree.entries()]
    .filter(([name]) => /^\d{1,6}$/.test(name))
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, value]) => value);
}

export interface QueryAnswer {
  readonly requestId: string;
  readonly namespace: string;
}

/** @param result undefined for operations that answer with nothing */
export function queryAnswer(
  action: string,
  result: readonly XmlNode[] | undefined,
  { requestId, namespace }: QueryAnswer,
): ServiceAnswer {
  const root: XmlNode & object = [
    `${action}Response`,
    [result === undefined ? undefined : [`${action}Result`, result], ["ResponseMetadata", [["RequestId", requestId]]]],
  ];
  return xml(200, requestId, printXml(root, namespace));
}

/** @param code as this protocol calls the error */
export function queryError(error: ServiceError, code: string, { requestId, namespace }: QueryAnswer): ServiceAnswer {
  const root: XmlNode & object = [
    "ErrorResponse",
    [
      [
        "Error",
        [
          ["Type", error.status < 500 ? "Sender" : "Receiver"],
          ["Code", code],
          ["Message", error.message],
        ],
      ],
      ["RequestId", requestId],
    ],
  ];
  return xml(error.status, requestId, printXml(root, namespace));
}

function xml(status: number, requestId: string, body: string): ServiceAnswer {
  return { status, headers: { "content-type": "text/xml", "x-amzn-requestid": requestId }, body };
}
