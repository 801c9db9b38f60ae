// Shuffle sharding: each flow gets a hand of queues of its own, so that one that overflows its queues shares few of
// them with any other.
import { createHash } from 'node:crypto';

/** Distinct indices below `queues`, `handSize` of them, the same for the same flow. */
export function dealHand(schema: string, distinguisher: string, queues: number, handSize: number): number[] {
  const digest = createHash('sha256').update(schema.length.toString()).update(schema).update(distinguisher).digest();
  let entropy = digest.readBigUInt64LE(0);
  const hand: number[] = [];
  for (let dealt = 0; dealt < handSize; dealt++) {
    const left = BigInt(queues - dealt);
    let card = Number(entropy % left);
    entropy /= left;
    // The n-th of the cards that are left: step over those dealt before, in order.
    for (const taken of [...hand].sort((a, b) => a - b)) if (card >= taken) card++;
    hand.push(card);
  }
  return hand;
}
