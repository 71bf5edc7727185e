/** Tables of IAM and STS in `lab.db`: one JSON record a row (`records.ts`), of the shapes in `model.ts`. */
import { recordTable } from "../records.ts";

export const IDENTITY_TABLES = {
  accounts: "iam_accounts",
  holders: "iam_holders",
  policies: "iam_policies",
  accessKeys: "iam_access_keys",
  sessions: "sts_sessions",
} as const;

export const IDENTITY_SCHEMA = Object.values(IDENTITY_TABLES).map(recordTable).join("\n");
