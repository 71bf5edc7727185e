/** What stands on the page: the place in the address decides which part. */
export function App() {
  return <main>Lockstep</main>;
}
