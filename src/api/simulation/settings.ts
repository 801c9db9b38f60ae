// What is said of one container: annotations of its pod first, then the first rule of the program that fits and says it.
import type { PodRule, SimulationProgram } from './program.ts';
import type { SettingName } from './setting-names.ts';
import { drawFor } from './values.ts';

export const simulationPrefix = 'simulated.coracle.dev/';

export interface SimulatedContainer {
  readonly namespace: string;
  readonly pod: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly node: string;
  readonly name: string;
  /** How often it was started before. */
  readonly attempt: number;
}

export interface Setting {
  readonly text: string;
  /** The same for the same container, setting and seed. */
  draw(): number;
}

export function settingOf(
  program: SimulationProgram,
  container: SimulatedContainer,
  name: SettingName,
): Setting | undefined {
  const { annotations, namespace, pod, attempt } = container;
  const text =
    annotations[`${simulationPrefix}${container.name}.${name}`] ??
    annotations[`${simulationPrefix}${name}`] ??
    program.pods.find((rule) => rule.settings.has(name) && fits(rule, container))?.settings.get(name);
  if (text === undefined) return undefined;
  return { text, draw: () => drawFor(program.seed, namespace, pod, container.name, attempt, name) };
}

function fits({ match }: PodRule, { namespace, pod, labels, node, name }: SimulatedContainer): boolean {
  return (
    (match.namespace?.test(namespace) ?? true) &&
    (match.pod?.test(pod) ?? true) &&
    (match.node?.test(node) ?? true) &&
    (match.container?.test(name) ?? true) &&
    Object.entries(match.labels ?? {}).every(([key, value]) => labels[key] === value)
  );
}
