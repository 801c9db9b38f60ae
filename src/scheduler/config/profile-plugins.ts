// Which plugins run at which point, in which order and with which weight: upstream's defaults with a profile's changes.
import { FieldErrors, path } from '../../api/meta/field-errors.ts';
import { ConfigurationError } from '../../base/strict-fields.ts';
import { validateArgs } from './args-validation.ts';
import { argsOf } from './plugin-args.ts';
import { type ExtensionPoint, extensionPoints, type PluginEntry, type PluginSet, type Profile } from './types.ts';

const filtering: readonly ExtensionPoint[] = ['preFilter', 'filter'];
const ranking: readonly ExtensionPoint[] = ['preScore', 'score'];

/** Where each plugin works, in the order of the default profile; a weight is a default one. */
const known: Readonly<Record<string, { readonly points: readonly ExtensionPoint[]; readonly weight?: number }>> = {
  SchedulingGates: { points: ['preEnqueue'] },
  PrioritySort: { points: ['queueSort'] },
  NodeUnschedulable: { points: ['filter'] },
  NodeName: { points: ['filter'] },
  TaintToleration: { points: ['filter', ...ranking], weight: 3 },
  NodeAffinity: { points: [...filtering, ...ranking], weight: 2 },
  NodePorts: { points: filtering },
  NodeResourcesFit: { points: [...filtering, ...ranking], weight: 1 },
  VolumeRestrictions: { points: filtering },
  NodeVolumeLimits: { points: filtering },
  VolumeBinding: { points: [...filtering, ...ranking, 'reserve', 'preBind'] },
  VolumeZone: { points: filtering },
  PodTopologySpread: { points: [...filtering, ...ranking], weight: 2 },
  InterPodAffinity: { points: [...filtering, ...ranking], weight: 2 },
  DynamicResources: {
    points: ['preEnqueue', ...filtering, 'postFilter', 'score', 'reserve', 'preBind'],
    weight: 2,
  },
  DefaultPreemption: { points: ['preEnqueue', 'postFilter'] },
  NodeResourcesBalancedAllocation: { points: ranking, weight: 1 },
  ImageLocality: { points: ['score'], weight: 1 },
  DefaultBinder: { points: ['bind'] },
  NodeDeclaredFeatures: { points: filtering },
};

export interface ActivePlugin {
  readonly name: string;
  /** Of its score; 1 where it has none. */
  readonly weight: number;
}

export type ActivePlugins = Readonly<Record<ExtensionPoint, readonly ActivePlugin[]>>;

/** @throws ConfigurationError as upstream's scheduler does when it starts. */
export function activePlugins(profile: Profile): ActivePlugins {
  const fail = (problem: string): never => {
    const where = `creating profile for scheduler name ${profile.schedulerName}`;
    throw new ConfigurationError(`initializing profiles: ${where}: ${problem}`);
  };
  const everywhere = merged(
    Object.entries(known).map(([name, { weight }]) => ({ name, ...(weight ? { weight } : {}) })),
    profile.plugins.multiPoint,
  );
  const active = Object.fromEntries(
    extensionPoints.map((point) => [point, pluginsAt(point, profile.plugins[point], everywhere, fail)]),
  ) as unknown as ActivePlugins;
  const sorters = active.queueSort.length;
  const name = JSON.stringify(profile.schedulerName);
  if (sorters !== 1)
    fail(`only one queue sort plugin required for profile with scheduler name ${name}, but got ${sorters}`);
  if (active.bind.length === 0) fail(`at least one bind plugin is needed for profile with scheduler name ${name}`);
  const errors = new FieldErrors();
  validateArgs('NodeResourcesFit', argsOf(profile, 'NodeResourcesFit'), path(), errors);
  if (!errors.isEmpty) {
    const problems = errors.list.map(({ field, body }) => `${field}: ${body}`);
    const text = problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`;
    fail(`initializing plugin "NodeResourcesFit": ${text}`);
  }
  return active;
}

/** The defaults without what is disabled, a default that is named again with its new weight, then what is new. */
function merged(defaults: readonly PluginEntry[], { enabled = [], disabled = [] }: PluginSet = {}): PluginEntry[] {
  const off = new Set(disabled.map(({ name }) => name));
  const kept = off.has('*') ? [] : defaults.filter(({ name }) => !off.has(name));
  const changed = kept.map((entry) => enabled.find(({ name }) => name === entry.name) ?? entry);
  return [...changed, ...enabled.filter(({ name }) => !kept.some((entry) => entry.name === name))];
}

function pluginsAt(
  point: ExtensionPoint,
  { enabled = [], disabled = [] }: PluginSet = {},
  everywhere: readonly PluginEntry[],
  fail: (problem: string) => never,
): ActivePlugin[] {
  const type = `${point[0]!.toUpperCase()}${point.slice(1)}Plugin`;
  const unknown = [...enabled, ...everywhere].find(({ name }) => !Object.hasOwn(known, name));
  if (unknown) {
    // One that is enabled everywhere is looked for at the first point that upstream looks at.
    const isHere = enabled.includes(unknown);
    fail(`${isHere ? type : 'PreFilterPlugin'} ${JSON.stringify(unknown.name)} does not exist`);
  }
  const seen = new Set<string>();
  for (const { name } of enabled) {
    if (!known[name]!.points.includes(point)) fail(`plugin ${JSON.stringify(name)} does not extend ${type} plugin`);
    if (seen.has(name)) fail(`plugin ${JSON.stringify(name)} already registered as ${JSON.stringify(type)}`);
    seen.add(name);
  }
  const off = new Set(disabled.map(({ name }) => name));
  const general = everywhere.filter(
    ({ name }) => known[name]!.points.includes(point) && !off.has('*') && !off.has(name) && !seen.has(name),
  );
  const isGeneral = ({ name }: PluginEntry) => everywhere.some((entry) => entry.name === name);
  const ordered = [...enabled.filter(isGeneral), ...general, ...enabled.filter((entry) => !isGeneral(entry))];
  return ordered.map(({ name, weight }) => ({ name, weight: weight || 1 }));
}
