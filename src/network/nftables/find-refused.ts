// Whose plans the kernel will not take. One bad plan would keep all the others out, since a transaction is all or
// nothing; so when the whole is refused, halves are tried until the culprits are alone.
import type { Command, Nft } from './nft.ts';
import { TableState } from './table-state.ts';

/** Owners whose plans are refused when tried with the fixed part alone. Empty where the fixed part itself is. */
export async function findRefused(nft: Nft, base: readonly Command[], state: TableState): Promise<string[]> {
  if (!(await nft.accepts(base))) return []; // not a matter of plans
  return search(nft, base, state, state.owners());
}

async function search(
  nft: Nft,
  base: readonly Command[],
  state: TableState,
  owners: readonly string[],
): Promise<string[]> {
  const part = new TableState(state.table, state.family);
  for (const owner of owners) part.set(owner, state.planOf(owner));
  if (await nft.accepts([...base, ...part.takeChanges()])) return [];
  if (owners.length <= 1) return [...owners];
  const middle = Math.ceil(owners.length / 2);
  const first = await search(nft, base, state, owners.slice(0, middle));
  const second = await search(nft, base, state, owners.slice(middle));
  return [...first, ...second];
}
