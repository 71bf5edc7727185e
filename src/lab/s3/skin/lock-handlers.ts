/** Handlers of Object Lock, and its documents. */
import type { Retention } from "../../../core/model.ts";
import { child, childText, type XmlElement, type XmlNode } from "../../../core/xml.ts";
import type { ServiceAnswer } from "../../model.ts";
import type { DefaultRetention, ObjectLockSettings } from "../bucket.ts";
import { s3Error } from "../errors.ts";
import { getObjectLegalHold, getObjectRetention, putObjectLegalHold, putObjectRetention } from "../retention.ts";
import type { S3Service } from "../service.ts";
import { getSetting, putObjectLockConfiguration } from "../settings.ts";
import { bypassAsked, instantOf, isMode } from "./lock-headers.ts";
import { emptyAnswer, xmlAnswer, xmlDate } from "./print.ts";
import { readXml, requireDigest, type S3Request, targetOf } from "./request.ts";

export function handleGetObjectLockConfiguration(s3: S3Service, request: S3Request): ServiceAnswer {
  const { bucket, call } = request;
  const { defaultRetention } = getSetting(s3, call, "GetObjectLockConfiguration", bucket, "objectLock");
  const rule: XmlNode | undefined =
    defaultRetention === undefined
      ? undefined
      : [
          "Rule",
          [
            [
              "DefaultRetention",
              [
                ["Mode", defaultRetention.mode],
                "days" in defaultRetention ? ["Days", defaultRetention.days] : ["Years", defaultRetention.years],
              ],
            ],
          ],
        ];
  return xmlAnswer(["ObjectLockConfiguration", [["ObjectLockEnabled", "Enabled"], rule]]);
}

export async function handlePutObjectLockConfiguration(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  requireDigest(request);
  const settings = lockSettingsOf(await readXml(request, "ObjectLockConfiguration"));
  await putObjectLockConfiguration(s3, request.call, request.bucket, settings);
  return emptyAnswer();
}

export function handleGetObjectRetention(s3: S3Service, request: S3Request): ServiceAnswer {
  const retention = getObjectRetention(s3, request.call, targetOf(request));
  if (retention === undefined) throw s3Error("NoSuchObjectLockConfiguration");
  return xmlAnswer([
    "Retention",
    [
      ["Mode", retention.mode],
      ["RetainUntilDate", xmlDate(retention.retainUntilMs)],
    ],
  ]);
}

export async function handlePutObjectRetention(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  requireDigest(request);
  const retention = retentionOf(await readXml(request, "Retention"));
  await putObjectRetention(s3, request.call, {
    ...targetOf(request),
    ...(retention === undefined ? {} : { retention }),
    ...bypassAsked(request.headers),
  });
  return emptyAnswer();
}

export function handleGetObjectLegalHold(s3: S3Service, request: S3Request): ServiceAnswer {
  const legalHold = getObjectLegalHold(s3, request.call, targetOf(request));
  if (legalHold === undefined) throw s3Error("NoSuchObjectLockConfiguration");
  return xmlAnswer(["LegalHold", [["Status", legalHold ? "ON" : "OFF"]]]);
}

export async function handlePutObjectLegalHold(s3: S3Service, request: S3Request): Promise<ServiceAnswer> {
  requireDigest(request);
  const status = childText(await readXml(request, "LegalHold"), "Status");
  if (status !== "ON" && status !== "OFF") throw s3Error("MalformedXML");
  await putObjectLegalHold(s3, request.call, { ...targetOf(request), legalHold: status === "ON" });
  return emptyAnswer();
}

/** An empty document ends the retention. */
function retentionOf(root: XmlElement): Retention | undefined {
  const mode = childText(root, "Mode");
  const until = childText(root, "RetainUntilDate");
  if (mode === undefined && until === undefined) return undefined;
  const retainUntilMs = instantOf(until ?? "");
  if (mode === undefined || !isMode(mode) || retainUntilMs === undefined) throw s3Error("MalformedXML");
  return { mode, retainUntilMs };
}

function lockSettingsOf(root: XmlElement): ObjectLockSettings {
  if (childText(root, "ObjectLockEnabled") !== "Enabled") throw s3Error("MalformedXML");
  const rule = child(root, "Rule");
  if (rule === undefined) return {};
  const retention = child(rule, "DefaultRetention");
  const mode = retention === undefined ? undefined : childText(retention, "Mode");
  if (retention === undefined || mode === undefined || !isMode(mode)) throw s3Error("MalformedXML");
  const [days, years] = [childText(retention, "Days"), childText(retention, "Years")];
  if ((days === undefined) === (years === undefined)) throw s3Error("MalformedXML");
  const count = days ?? years ?? "";
  if (!/^-?\d{1,15}$/.test(count)) throw s3Error("MalformedXML");
  const defaultRetention: DefaultRetention =
    days === undefined ? { mode, years: Number(count) } : { mode, days: Number(count) };
  return { defaultRetention };
}
