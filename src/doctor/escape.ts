/** Text in HTML and SVG. */

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for an element or an attribute in quotes, its lines as they are. */
export function markup(text: string): string {
  return text.replace(/[&<>"']/g, (one) => ENTITIES[one] ?? one);
}

/**
 * Likewise, and what turns the direction of writing or cannot be seen is shown by its number: keys come from strangers,
 * and a page is read by auditors.
 */
export function escaped(text: string): string {
  return markup(text).replace(
    /[\p{Cc}\p{Cf}\p{Cs}]/gu,
    (one) => `⟨U+${(one.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`,
  );
}
