/** The page's entry. */
import { render } from "preact";
import { onSessionEnded } from "./api.ts";
import { App } from "./app.tsx";
import { startClock } from "./clock.ts";
import { followKeys } from "./keyboard.ts";
import { followEvents } from "./live.ts";
import { followAddress } from "./route.ts";
import { enter, leave } from "./session.ts";
import "./style.css";
import { followTheme } from "./theme.ts";

startClock();
followTheme();
followAddress();
followKeys();
followEvents();
onSessionEnded(() => leave("Your session has ended. Log in again."));
void enter();

const place = document.getElementById("page");
if (place !== null) render(<App />, place);
