/** Tables of KMS in `lab.db`: one JSON record a row (`records.ts`), of the shapes in `model.ts`. */
import { recordTable } from "../records.ts";

export const KMS_TABLES = { keys: "kms_keys", aliases: "kms_aliases", grants: "kms_grants" } as const;

export const KMS_SCHEMA = Object.values(KMS_TABLES).map(recordTable).join("\n");
