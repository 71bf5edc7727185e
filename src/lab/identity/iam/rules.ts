/**
 * What names, paths and texts of IAM may look like, and how many of each there may be.
 *
 * @source botocore iam 2010-05-08 (patterns and lengths)
 * @source https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html (default quotas)
 */
import type { TextRule } from "../../constraints.ts";
import type { HolderKind } from "../model.ts";

const NAME = /^[\w+=,.@-]+$/;

export const NAME_RULES: Readonly<Record<HolderKind, { readonly parameter: string; readonly rule: TextRule }>> = {
  user: { parameter: "UserName", rule: { max: 64, pattern: NAME } },
  role: { parameter: "RoleName", rule: { max: 64, pattern: NAME } },
  group: { parameter: "GroupName", rule: { max: 128, pattern: NAME } },
};

export const POLICY_NAME: TextRule = { max: 128, pattern: NAME };
export const PATH: TextRule = { max: 512, pattern: /^(?:\/|\/[\u0021-\u007e]+\/)$/ };
export const PATH_PREFIX: TextRule = { max: 512, pattern: /^\/[\u0021-\u007f]*$/ };
export const DOCUMENT: TextRule = { max: 131_072, pattern: /^[\t\n\r\u0020-\u00ff]+$/ };
export const DESCRIPTION: TextRule = { min: 0, max: 1000, pattern: /^[\t\n\r\u0020-\u007e\u00a1-\u00ff]*$/ };
export const ARN: TextRule = { min: 20, max: 2048 };
export const TAG_KEY: TextRule = { max: 128, pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$/u };
export const TAG_VALUE: TextRule = { min: 0, max: 256, pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u };

export const ACCESS_KEYS_MAX = 2;
export const ATTACHED_MAX = 10;
export const GROUPS_MAX = 10;
export const VERSIONS_MAX = 5;
export const TAGS_MAX = 50;
export const MANAGED_SIZE_MAX = 6144;
export const TRUST_SIZE_MAX = 2048;
/** All inline policies of one holder together. */
export const INLINE_SIZE_MAX: Readonly<Record<HolderKind, number>> = { user: 2048, role: 10_240, group: 5120 };
