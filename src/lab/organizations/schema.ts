/** Tables of AWS Organizations in `lab.db`: one JSON record a row (`records.ts`), of the shapes in `model.ts`. */
import { recordTable } from "../records.ts";

export const ORGANIZATIONS_TABLES = {
  organizations: "organizations",
  units: "organizations_units",
  members: "organizations_members",
  policies: "organizations_policies",
  attachments: "organizations_attachments",
  handshakes: "organizations_handshakes",
} as const;

export const ORGANIZATIONS_SCHEMA = Object.values(ORGANIZATIONS_TABLES).map(recordTable).join("\n");
