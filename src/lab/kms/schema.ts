/** Tables of this service in `lab.db`. */
export const KMS_SCHEMA = "";
