/** The way in: a token as the start of Lockstep printed it, or a name and a password of the configuration. */
import { useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { Choice, TextField } from "../parts/field.tsx";
import { logIn } from "../session.ts";
import { sayError } from "../toasts.ts";
import { Mark } from "./mark.tsx";

type Way = "token" | "password";

const WAYS = [
  { value: "token", says: "Token" },
  { value: "password", says: "Password" },
] as const;

export function Entrance({ says }: { readonly says?: string }) {
  const [way, setWay] = useState<Way>("token");
  const [given, setGiven] = useState({ token: "", user: "", password: "" });
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<string | undefined>(undefined);
  const { token, user, password } = given;
  const submit = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await logIn(way === "token" ? { token: token.trim() } : { user, password });
    } catch (thrown) {
      setError(sayError(thrown));
      setBusy(false);
    }
  };
  const reason = (way === "token" ? token.trim() === "" : user === "" || password === "")
    ? way === "token"
      ? "Enter the token first."
      : "Enter a name and a password first."
    : undefined;
  return (
    <main class="entrance">
      <form
        class="card entrance-card"
        onSubmit={(event) => {
          event.preventDefault();
          if (reason === undefined && !isBusy) void submit();
        }}
      >
        <Mark />
        <h1>Log in to Lockstep</h1>
        {says === undefined ? null : (
          <p class="entrance-says" role="status">
            {says}
          </p>
        )}
        <Choice label="How to log in" value={way} options={WAYS} onPick={setWay} />
        {way === "token" ? (
          <TextField
            label="Token"
            type="password"
            autocomplete="current-password"
            value={token}
            hint="Lockstep printed it when it started; it is also kept in its state directory."
            error={error}
            onInput={(value) => setGiven({ ...given, token: value })}
          />
        ) : (
          <>
            <TextField
              label="Name"
              autocomplete="username"
              value={user}
              onInput={(value) => setGiven({ ...given, user: value })}
            />
            <TextField
              label="Password"
              type="password"
              autocomplete="current-password"
              value={password}
              error={error}
              onInput={(value) => setGiven({ ...given, password: value })}
            />
          </>
        )}
        <Button kind="primary" isSubmit isBusy={isBusy} reason={reason}>
          Log in
        </Button>
        <p class="unseen" role="alert">
          {error}
        </p>
      </form>
    </main>
  );
}
