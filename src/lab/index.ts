/** The lab as a library: `import { openLab } from "lockstep/lab"`. */
export { BATCH_GAPS } from "./batch/gaps.ts";
export { type Lab, type LabOptions, openLab } from "./lab.ts";
export type { Authoriser, Caller, Identity } from "./model.ts";
export { BEHAVIOUR_GAPS, OPERATION_GAPS } from "./s3/gaps.ts";
export type { Changes, TakenChange } from "./s3/replication.ts";
export { type LabServer, ListenError } from "./server.ts";
export { TRAIL_GAPS } from "./trail/gaps.ts";
