/** Objects. */
export function Objects() {
  return null;
}
