/** The contract of the Store port, kept by our client and a gateway of Ceph, but for what Ceph 16.2 is known to lack. */
import { CEPH } from "../conformance/ceph.ts";
import { storeConformance } from "../conformance/store.ts";
import { startGateways } from "./rgw.ts";

storeConformance(
  "Ceph's gateway, by its profile",
  async () => {
    const gateways = await startGateways();
    const client = gateways.a.client(await gateways.a.createUser("main"));
    await client.createBucket("conform");
    return {
      store: client,
      settings: client,
      bucket: "conform",
      isDisposable: true,
      close: () => gateways.stop(),
    };
  },
  CEPH,
);
