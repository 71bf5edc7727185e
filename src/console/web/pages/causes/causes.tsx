/** Causes. */
export function Causes() {
  return null;
}
