/** KMS of the lab put together: `Keys` for the lab's services, and the skin. */
import type { Database } from "../../ledger/database.ts";
import type { Authoriser, Identity, Keys, Skin } from "../model.ts";
import type { Secrets } from "../secrets.ts";
import { KeyAccess } from "./access.ts";
import { Cryptography } from "./cryptography.ts";
import { Keyring } from "./keyring.ts";
import type { KeyState } from "./model.ts";
import { type PlacedKey, placeKey, removeKey } from "./place.ts";
import { createKeys } from "./service-keys.ts";
import { createKmsSkin } from "./skin.ts";

export interface KmsOptions {
  /** `lab.db`; its records are read at once. */
  readonly database: Database;
  readonly secrets: Secrets;
  readonly identity: Identity;
  readonly authoriser: Authoriser;
  /** Milliseconds since 1970; decides when scheduled deletions take effect. */
  readonly clock: () => number;
}

export interface KmsService {
  readonly keys: Keys;
  readonly kmsSkin: Skin;
  /** Puts a key into a state, for states that no operation leads to. Nobody is asked. */
  setKeyState(keyArn: string, state: Exclude<KeyState, "PendingDeletion">): Promise<void>;
  /** See `placeKey`. */
  place(key: PlacedKey): Promise<void>;
  /** See `removeKey`. */
  remove(keyArn: string): Promise<void>;
}

export function createKms(options: KmsOptions): KmsService {
  const { database, secrets, identity, authoriser, clock } = options;
  const keyring = new Keyring({ database, secrets, clock });
  const access = new KeyAccess(keyring, authoriser);
  const cryptography = new Cryptography(keyring, access);
  return {
    keys: createKeys({ keyring, access, cryptography, clock }),
    kmsSkin: createKmsSkin({ keyring, access, cryptography, identity, clock }),

    setKeyState: (arn, state) =>
      keyring.change(() => {
        const key = keyring.key(arn.slice(arn.lastIndexOf("/") + 1));
        if (key === undefined) return [undefined];
        const { deletionAtMs: _, ...rest } = key;
        return [undefined, keyring.keys.put({ ...rest, state })];
      }),

    place: (key) => placeKey(keyring, key, clock()),
    remove: (arn) => removeKey(keyring, arn),
  };
}
