/** Handlers of objects' tags, and tags as documents. */
import type { Tag } from "../../../core/model.ts";
import { child, childrenNamed, childText, type XmlElement } from "../../../core/xml.ts";
import type { ServiceAnswer } from "../../model.ts";
import { s3Error } from "../errors.ts";
import type { S3Service } from "../service.ts";
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from "../tagging.ts";
import { emptyAnswer, versionIdHeader, xmlAnswer } from "./print.ts";
import { readXml, type S3Request, targetOf } from "./request.ts";

export function handleGetObjectTagging(s3: S3Service, request: S3Request): ServiceAnswer {
  const answer = getObjectTagging(s3, request.call, targetOf(request));
  return xmlAnswer(["Tagging", [["TagSet", tagNodes(answer.tags)]]], versionIdHeader(answer.versionId));
}

export async function handlePutObjectTagging(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const tags = tagsOf(await readXml(request, "Tagging"));
  const answer = await putObjectTagging(s3, request.call, targetOf(request), tags);
  return emptyAnswer(200, versionIdHeader(answer.versionId));
}

export async function handleDeleteObjectTagging(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  const answer = await deleteObjectTagging(s3, request.call, targetOf(request));
  return emptyAnswer(204, versionIdHeader(answer.versionId));
}

/** Reads a `<Tagging>` document. */
export function tagsOf(root: XmlElement): Tag[] {
  const set = child(root, "TagSet");
  if (set === undefined) throw s3Error("MalformedXML");
  return childrenNamed(set, "Tag").map((tag) => {
    const key = childText(tag, "Key");
    const value = childText(tag, "Value");
    if (key === undefined || value === undefined) throw s3Error("MalformedXML");
    return { key, value };
  });
}

export function tagNodes(tags: readonly Tag[]) {
  return tags.map(
    ({ key, value }) =>
      [
        "Tag",
        [
          ["Key", key],
          ["Value", value],
        ],
      ] as const,
  );
}
