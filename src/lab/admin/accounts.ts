/** The lab's own calls on accounts. */
import { ServiceError } from "../model.ts";
import type { AdminWorld, Route } from "./route.ts";

export const ACCOUNT_ROUTES: readonly Route[] = [
  { method: "POST", path: /^accounts\/(\d{12})$/, run: (world, [id = ""]) => credentialsOf(world, id) },
  {
    method: "POST",
    path: /^organizations\/(\d{12})\/accounts\/(\d{12})$/,
    async run(world, [management = "", id = ""]) {
      if (await world.organizations.join(management, id)) return credentialsOf(world, id);
      const says = `account ${management} manages no organisation that ${id} could join`;
      throw new ServiceError("ConstraintViolationException", 409, says);
    },
  },
];

async function credentialsOf({ s3 }: AdminWorld, accountId: string) {
  const { accessKeyId, secretAccessKey } = await s3.identity.ensureAccount(accountId);
  return { accountId, accessKeyId, secretAccessKey };
}
