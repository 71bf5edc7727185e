/** Where the lab is when nobody says otherwise. */
export const DEFAULT_DATA_DIR = ".lockstep";
export const DEFAULT_HOST = "127.0.0.1";
export const DEFAULT_PORT = 9000;
export const DEFAULT_CONSOLE_PORT = 9400;
/** The account of the example. */
export const DEFAULT_ACCOUNT = "111122223333";
export const DEFAULT_REGION = "us-east-1";
