/** A state as text with a colour; the text carries the meaning, the colour only helps. */
export function StateBadge({ state }: { readonly state: string }) {
  return <span class={`badge ${state}`}>{state}</span>;
}
