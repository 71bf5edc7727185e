/**
 * The words in which a service refuses a request that it cannot authenticate: S3's, those of the query protocol (IAM,
 * STS, and SQS and CloudWatch whatever they speak) and those of the JSON protocol (KMS, Organizations).
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; "Common Errors" of IAM, STS and KMS
 */
import { unreachable } from "../core/assert.ts";
import type { AuthenticationProblem } from "./authenticate.ts";
import { ServiceError } from "./model.ts";
import { s3Error } from "./s3/errors.ts";

export function refusal(service: string, problem: AuthenticationProblem): ServiceError {
  return service === "s3"
    ? s3Refusal(problem)
    : controlRefusal(JSON_SERVICES.has(service) ? JSON_CODES : QUERY_CODES, problem);
}

const JSON_SERVICES: ReadonlySet<string> = new Set(["kms", "organizations"]);

function s3Refusal(problem: AuthenticationProblem): ServiceError {
  switch (problem.reason) {
    case "unsupportedMechanism":
      return s3Error("InvalidRequest", {
        message: "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
      });
    case "twoMechanisms":
      return s3Error("InvalidArgument", {
        message:
          "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
        details: { ArgumentName: "Authorization", ArgumentValue: problem.value },
      });
    case "malformedHeader":
      return s3Error("AuthorizationHeaderMalformed", {
        message: `The authorization header is malformed; ${problem.says}`,
      });
    case "malformedQuery":
      return s3Error("AuthorizationQueryParametersError", { message: problem.says });
    case "missingDate":
      return s3Error("AccessDenied", { message: "AWS authentication requires a valid Date or x-amz-date header" });
    case "missingPayloadHash":
      return s3Error("MissingSecurityHeader", { details: { MissingHeaderName: "x-amz-content-sha256" } });
    case "badPayloadHash":
      return s3Error("InvalidArgument", {
        message:
          "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
        details: { ArgumentName: "x-amz-content-sha256", ArgumentValue: problem.value },
      });
    case "skewed":
      return s3Error("RequestTimeTooSkewed", {
        details: {
          RequestTime: amzDate(problem.requestMs),
          ServerTime: isoDate(problem.nowMs),
          MaxAllowedSkewMilliseconds: "900000",
        },
      });
    case "expired":
      return s3Error("AccessDenied", {
        message: "Request has expired",
        details: {
          "X-Amz-Expires": String(problem.expiresSeconds),
          Expires: isoDate(problem.atMs),
          ServerTime: isoDate(problem.nowMs),
        },
      });
    case "notYetValid":
      return s3Error("AccessDenied", {
        message: "Request is not valid yet",
        details: { "X-Amz-Date": problem.amzDate, ServerTime: isoDate(problem.nowMs) },
      });
    case "unsignedHeaders":
      return s3Error("AccessDenied", {
        message: "There were headers present in the request which were not signed",
        details: { HeadersNotSigned: problem.names.join(", ") },
      });
    case "credential":
      return s3CredentialRefusal(problem);
    case "wrongSignature":
      return s3Error("SignatureDoesNotMatch", {
        details: {
          AWSAccessKeyId: problem.accessKeyId,
          StringToSign: problem.toSign,
          SignatureProvided: problem.provided,
          StringToSignBytes: hexBytes(problem.toSign),
          CanonicalRequest: problem.canonical,
          CanonicalRequestBytes: hexBytes(problem.canonical),
        },
      });
    default:
      return unreachable(problem);
  }
}

function s3CredentialRefusal({
  problem,
  accessKeyId,
}: Extract<AuthenticationProblem, { reason: "credential" }>): ServiceError {
  switch (problem) {
    case "unknownKey":
    case "inactiveKey":
      return s3Error("InvalidAccessKeyId", { details: { AWSAccessKeyId: accessKeyId } });
    // A temporary key without its token is a key that nobody knows.
    case "missingToken":
      return s3Error("InvalidAccessKeyId", { details: { AWSAccessKeyId: accessKeyId } });
    case "expiredToken":
      return s3Error("ExpiredToken");
    case "wrongToken":
      return s3Error("InvalidToken");
    default:
      return unreachable(problem);
  }
}

interface ControlCodes {
  readonly unknownKey: readonly [code: string, status: number];
  readonly wrongSignature: readonly [code: string, status: number];
  readonly expiredToken: readonly [code: string, status: number];
  readonly incomplete: readonly [code: string, status: number];
}

const QUERY_CODES: ControlCodes = {
  unknownKey: ["InvalidClientTokenId", 403],
  wrongSignature: ["SignatureDoesNotMatch", 403],
  expiredToken: ["ExpiredToken", 403],
  incomplete: ["IncompleteSignature", 400],
};

const JSON_CODES: ControlCodes = {
  unknownKey: ["UnrecognizedClientException", 400],
  wrongSignature: ["InvalidSignatureException", 400],
  expiredToken: ["ExpiredTokenException", 400],
  incomplete: ["IncompleteSignatureException", 400],
};

function controlRefusal(codes: ControlCodes, problem: AuthenticationProblem): ServiceError {
  const say = ([code, status]: readonly [string, number], message: string) => new ServiceError(code, status, message);
  switch (problem.reason) {
    case "credential":
      if (problem.problem === "expiredToken") {
        return say(codes.expiredToken, "The security token included in the request is expired");
      }
      return say(codes.unknownKey, "The security token included in the request is invalid.");
    case "wrongSignature":
      return say(
        codes.wrongSignature,
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.\n\n" +
          `The Canonical String for this request should have been\n'${problem.canonical}'\n\nThe String-to-Sign should have been\n'${problem.toSign}'\n`,
      );
    case "skewed": {
      const [signed, now] = [amzDate(problem.requestMs), amzDate(problem.nowMs)];
      const isOld = problem.requestMs < problem.nowMs;
      const bound = amzDate(problem.nowMs + (isOld ? -900_000 : 900_000));
      return say(
        codes.wrongSignature,
        isOld
          ? `Signature expired: ${signed} is now earlier than ${bound} (${now} - 15 min.)`
          : `Signature not yet current: ${signed} is still later than ${bound} (${now} + 15 min.)`,
      );
    }
    case "expired":
    case "notYetValid":
      return say(codes.wrongSignature, "Signature expired");
    case "malformedHeader":
    case "malformedQuery":
      return say(codes.incomplete, problem.says);
    case "missingDate":
      return say(
        codes.incomplete,
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
      );
    case "missingPayloadHash":
    case "badPayloadHash":
    case "unsupportedMechanism":
    case "twoMechanisms":
      return say(codes.incomplete, "The request signature does not conform to AWS standards.");
    case "unsignedHeaders":
      return say(codes.wrongSignature, `'${problem.names.join("', '")}' must be a signed header`);
    default:
      return unreachable(problem);
  }
}

function isoDate(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function amzDate(ms: number): string {
  return isoDate(ms).replace(/[-:]/g, "");
}

function hexBytes(text: string): string {
  return (Buffer.from(text).toString("hex").match(/../g) ?? []).join(" ");
}
