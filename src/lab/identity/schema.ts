/** Tables of this service in `lab.db`. */
export const IDENTITY_SCHEMA = "";
