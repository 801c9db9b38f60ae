import { readJoined } from '../join/joined-settings.ts';
import type { Layout } from '../settings/layout.ts';
import { readSettings } from '../settings/settings.ts';
import { machineNode, type NodePlan, realNodes } from './node-plan.ts';

/** The real nodes of a data directory: of a cluster that was made here, or the one that joined another. */
export function nodesHere(layout: Layout): NodePlan[] {
  const joined = readJoined(layout);
  if (joined) return [machineNode(layout, joined)];
  const settings = readSettings(layout);
  return settings ? realNodes(layout, settings) : [];
}
