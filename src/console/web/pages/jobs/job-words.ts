/** What a job of resync is asked for, in words. */
import type { ResyncProgress, ResyncRequest } from "../../../../engine/resync/model.ts";
import { momentWords, plural } from "../../words.ts";

export const STAGES: Readonly<Record<ResyncProgress["stage"], string>> = {
  canary: "The canary goes first",
  listing: "Listing what there is",
  finishing: "Replicating what was listed",
};

/** `FAILED with DstPutObjectNotPermitted, under raw/` */
export function requestWords(request: ResyncRequest): string {
  const { failed, failureCodes, untried, arrived, prefix, sinceMs, untilMs, canary, limit } = request;
  const what = [
    ...(failed ? [failureCodes === undefined ? "FAILED" : `FAILED with ${failureCodes.join(", ")}`] : []),
    ...(untried ? ["never tried"] : []),
    ...(arrived === undefined || arrived.length === 0 ? [] : [`not at a destination though ${arrived.join(" or ")}`]),
  ];
  const where = [
    ...(prefix === undefined || prefix === "" ? [] : [`under ${prefix}`]),
    ...(sinceMs === undefined ? [] : [`since ${momentWords(sinceMs)}`]),
    ...(untilMs === undefined ? [] : [`before ${momentWords(untilMs)}`]),
    ...(canary === undefined ? [] : [`${plural(canary, "task")} first`]),
    ...(limit === undefined ? [] : [`at most ${plural(limit, "task")}`]),
  ];
  return [what.join(" and "), ...where].join(", ");
}
