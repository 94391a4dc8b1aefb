import { globToRegExp } from "@samepage/fleet";

/**
 * Patterns over guest names that match guests of other domains only: a template says nothing of those. One that matches
 * nobody yet is none of them: guests come later.
 */
export function foreignPatterns(patterns: readonly string[], guests: readonly { readonly name: string; readonly domain: string }[], domain: string): readonly { readonly pattern: string; readonly domains: readonly string[] }[] {
  return patterns.flatMap((pattern) => {
    const matches = globToRegExp(pattern);
    const domains = new Set(guests.filter(({ name }) => matches.test(name)).map((guest) => guest.domain));
    return domains.size === 0 || domains.has(domain) ? [] : [{ pattern, domains: [...domains].toSorted() }];
  });
}
