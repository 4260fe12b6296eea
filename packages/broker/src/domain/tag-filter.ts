/** Which tags a poll wants (TAG-1). Equal texts make equal filters. */
export interface TagFilter {
  /** As given, trimmed; empty for everything. */
  readonly text: string;
  /** Undefined for everything. */
  readonly tags: readonly string[] | undefined;
}

export const EVERYTHING: TagFilter = { text: "", tags: undefined };

/** Reads `A||B`; empty and a lone `*` are everything, a `*` beside others is a tag. */
export function parseTagFilter(expression: string): TagFilter {
  const text = expression.trim();
  if (text === "" || text === "*") return EVERYTHING;
  const tags = [
    ...new Set(
      text
        .split("||")
        .map((tag) => tag.trim())
        .filter((tag) => tag !== ""),
    ),
  ];
  return tags.length === 0 ? EVERYTHING : { text: tags.join("||"), tags };
}
