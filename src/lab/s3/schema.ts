/** Tables of this service in `lab.db`. */
export const S3_SCHEMA = "";
