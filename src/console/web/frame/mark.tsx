/** The product's mark and name. */
export function Mark() {
  return (
    <span class="mark">
      <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
        <rect class="mark-one" x="2" y="6" width="13" height="20" rx="3" />
        <rect class="mark-two" x="17" y="6" width="13" height="20" rx="3" />
        <path class="mark-arrow" d="M9 16h14m-4-4 4 4-4 4" />
      </svg>
      <span class="mark-name">Lockstep</span>
    </span>
  );
}
