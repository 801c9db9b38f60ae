// Whose plans the kernel will not take. One bad plan would keep all the others out, since a transaction is all or
// nothing; so when the whole is refused, halves are tried until the culprits are alone.
import type { Command, Nft } from './nft.ts';
import { TableState } from './table-state.ts';

/**
 * Owners whose plans are refused. Empty where the fixed part itself is, or only all of them together are.
 *
 * @param isFoundation of owners that others lean on; they are tried first, and others only when none of them is at fault
 */
export async function findRefused(
  nft: Nft,
  base: readonly Command[],
  state: TableState,
  isFoundation: (owner: string) => boolean = () => false,
): Promise<string[]> {
  if (!(await nft.accepts(base))) return []; // not a matter of plans
  const foundations = state.owners().filter(isFoundation);
  const refused = await search(nft, base, state, foundations);
  if (refused.length > 0) return refused;
  const others = state.owners().filter((owner) => !isFoundation(owner));
  return search(nft, [...base, ...commandsOf(state, foundations)], state, others);
}

async function search(
  nft: Nft,
  base: readonly Command[],
  state: TableState,
  owners: readonly string[],
): Promise<string[]> {
  if (owners.length === 0 || (await nft.accepts([...base, ...commandsOf(state, owners)]))) return [];
  if (owners.length <= 1) return [...owners];
  const middle = Math.ceil(owners.length / 2);
  const first = await search(nft, base, state, owners.slice(0, middle));
  const second = await search(nft, base, state, owners.slice(middle));
  return [...first, ...second];
}

function commandsOf(state: TableState, owners: readonly string[]): Command[] {
  const part = new TableState(state.table, state.family);
  for (const owner of owners) part.set(owner, state.planOf(owner));
  return part.takeChanges();
}
